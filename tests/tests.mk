# SPDX-License-Identifier: MIT
# The test program (every suite, over the static library with faults wrapped in) and the checks.

TEST_SOURCES := $(wildcard tests/fd/*.c tests/sys/*.c tests/event/*.c tests/process/*.c tests/loop/*.c tests/examples/*.c tests/support/*.c)
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(B)/obj/%.o)
TEST_CXX_SOURCES := $(wildcard tests/event/*.cc)
TEST_RUN := $(B)/tests/run
CHECK_CFLAGS ?= $(shell pkg-config --cflags check)
CHECK_LIBS ?= $(shell pkg-config --libs check)

# ThreadSanitizer's clone(2) is not what the library calls.
WRAPPED := $(if $(findstring sanitize=thread,$(CFLAGS)),__clone,clone) read calloc fcntl fcntl64 __fcntl_time64 ppoll \
	__ppoll64 syscall write inotify_init1 inotify_add_watch inotify_rm_watch eventfd fanotify_init fanotify_mark signalfd \
	timerfd_create timerfd_settime timerfd_gettime __timerfd_gettime64 epoll_create1 epoll_ctl getrlimit getrlimit64 ioctl \
	__ioctl_time64 mmap mmap64 uname epoll_pwait2 \
	__epoll_pwait2_time64 dup3 madvise realloc

# With `make -j deps check`, nothing here starts before deps has ended.
DEPS_FIRST := $(filter deps,$(MAKECMDGOALS))

$(TEST_OBJECTS): $(B)/obj/%.o: %.c $(FLAGS_STAMP) | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -Itests/support $(ALL_CFLAGS) -Wno-cast-align $(CHECK_CFLAGS) -MMD -MP -c -o $@ $<

$(TEST_RUN): $(TEST_OBJECTS) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -pthread $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(TEST_OBJECTS) $(STATIC) $(CHECK_LIBS)

.PHONY: tests
tests: $(TEST_RUN) $(EXAMPLES)

# The suites, then the checks of the whole; the last line counts both.
check: all tests $(EXAMPLES) | $(DEPS_FIRST)
	CC='$(CC)' BUTTER_CFLAGS='$(ABI_FLAGS) $(CFLAGS) $(LDFLAGS)' scripts/check $(B)
