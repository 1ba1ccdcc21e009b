# SPDX-License-Identifier: MIT
# butter: make, make check, make demo, make install; see CONTRIBUTING.md for the rest.

VERSION := 0.1.0
SOVERSION := 0

B ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=
CFLAGS ?= -O2 -g
INSTALL ?= install
SUDO ?= $(if $(filter-out 0,$(shell id -u)),sudo)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# What every compilation needs, beside the user's CPPFLAGS, CFLAGS and LDFLAGS. 32-bit ABIs get
# the 64-bit times and offsets that the public headers insist on.
HASH := \#
ABI_FLAGS := $(shell printf '%s\n' '$(HASH)include <sys/types.h>' \
	'char is64[sizeof(time_t) == 8 && sizeof(off_t) == 8 ? 1 : -1];' | \
	$(CC) $(CPPFLAGS) $(filter-out --coverage,$(CFLAGS)) -xc -fsyntax-only - 2>/dev/null || echo -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64)
WARNINGS := -Wall -Wextra -Wshadow -Wundef -Wvla -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-align -Wimplicit-fallthrough -Wconversion -Wno-sign-conversion
ALL_CPPFLAGS := -Iinclude -D_GNU_SOURCE $(ABI_FLAGS) $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(WARNINGS) -fno-common -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
LIB_CFLAGS := $(ALL_CFLAGS) -fvisibility=hidden -fno-semantic-interposition -fno-lto
SHARED_FLAGS := -shared -pthread -Wl,-soname,libbutter.so.$(SOVERSION) -Wl,--version-script=src/libbutter.map \
	-Wl,--no-undefined-version $(if $(findstring -fsanitize,$(CFLAGS) $(LDFLAGS)),,-Wl,-z,defs) -Wl,-z,relro -Wl,-z,now -Wl,-Bsymbolic-functions -Wl,--build-id=sha1

HEADERS := $(wildcard include/butter/*.h include/butter/adapters/*.h)
SOURCES := $(wildcard src/*/*.c)
STATIC := $(B)/libbutter.a
SHARED := $(B)/libbutter.so.$(VERSION)
PAGES := $(wildcard man/man3/*.3 man/man7/*.7 man/man1/*.1)
# Those of the adapters need other libraries: scripts/check-adapters builds them.
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(filter-out examples/adapter-%,$(wildcard examples/*.c)))

.PHONY: all demo check bench bench-loop lint coverage deps deps-ci install uninstall clean

all: $(STATIC) $(B)/libbutter.so $(B)/libbutter.so.$(SOVERSION)

# Changed flags rebuild everything.
FLAGS_STAMP := $(B)/flags
FLAGS_NOW := $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) $(VERSION)
ifneq ($(filter-out clean deps deps-ci uninstall,$(or $(MAKECMDGOALS),all)),)
$(shell mkdir -p $(B) && { [ "$$(cat $(FLAGS_STAMP) 2>/dev/null)" = '$(subst ','\'',$(FLAGS_NOW))' ] || \
	printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$(FLAGS_STAMP); })
endif

$(B)/obj/%.o: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.lo: %.c $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(LIB_CFLAGS) -fPIC -MMD -MP -MF $(@:.lo=.lo.d) -c -o $@ $<

$(STATIC): $(SOURCES:%.c=$(B)/obj/%.o)
	@rm -f $@
	$(AR) rcsD $@ $^

$(SHARED): $(SOURCES:%.c=$(B)/obj/%.lo) src/libbutter.map
	$(CC) $(CFLAGS) $(LDFLAGS) $(SHARED_FLAGS) -o $@ $(filter %.lo,$^)

$(B)/libbutter.so $(B)/libbutter.so.$(SOVERSION): $(SHARED)
	ln -sf libbutter.so.$(VERSION) $@

$(B)/examples/%: examples/%.c $(STATIC) $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -pthread $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(STATIC)

# The main job on real events: the example daemon, the tree watcher, and a spooler on the loop, while real programs
# change a directory.
demo: $(B)/examples/daemon $(B)/examples/tree $(B)/examples/loop
	scripts/demo $^

include tests/tests.mk
include bench/bench.mk
include fuzz/fuzz.mk

# What `make check` needs beside a compiler and make; CI's own needs on top of it.
DEPS := check pkg-config mandoc groff-base binutils git e2fsprogs xfsprogs btrfs-progs \
	libev-dev libevent-dev libuv1-dev libglib2.0-dev libsystemd-dev wrk
DEPS_CI := clang g++ g++-12-multilib gcc-12-multilib musl-tools valgrind libinotifytools0-dev \
	python3-pyinotify python3-watchdog inotify-tools fswatch libclang-rt-14-dev clang-format clang-tidy clang-tools cppcheck gcovr shellcheck afl++ abigail-tools
deps:
	scripts/deps "$(SUDO)" $(DEPS)
deps-ci: deps
	scripts/deps "$(SUDO)" $(DEPS_CI)

# Static analysis, and how much of src/ the tests reach.
lint:
	scripts/lint
coverage:
	scripts/coverage $(B)/coverage

install: all
	scripts/install "$(INSTALL)" "$(B)" "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(INCLUDEDIR)" "$(MANDIR)" \
		$(VERSION) $(SOVERSION) "$(ABI_FLAGS)"

uninstall:
	scripts/uninstall "$(DESTDIR)" "$(LIBDIR)" "$(INCLUDEDIR)" "$(MANDIR)"

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
