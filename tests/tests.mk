# SPDX-License-Identifier: MIT
# The test program (every suite, over the static library with faults wrapped in) and the checks.

STORM_SOURCES := $(wildcard tests/storm/*.c) tests/support/fault.c
TEST_SOURCES := $(wildcard $(addprefix tests/,$(addsuffix /*.c,fd sys event process tree loop examples support))) \
	$(filter tests/storm/%,$(filter-out %/main.c,$(STORM_SOURCES)))
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(B)/obj/%.o)
TEST_CXX_SOURCES := $(wildcard tests/event/*.cc)
TEST_RUN := $(B)/tests/run
CHECK_CFLAGS ?= $(shell pkg-config --cflags check)
CHECK_LIBS ?= $(shell pkg-config --libs check)

# ThreadSanitizer's clone(2) is not what the library calls.
WRAPPED := $(if $(findstring sanitize=thread,$(CFLAGS)),__clone,clone) read calloc fcntl fcntl64 __fcntl_time64 ppoll \
	__ppoll64 syscall write inotify_init1 inotify_add_watch inotify_rm_watch eventfd fanotify_init fanotify_mark signalfd \
	timerfd_create timerfd_settime timerfd_gettime __timerfd_gettime64 epoll_create1 epoll_ctl getrlimit getrlimit64 ioctl \
	__ioctl_time64 mmap mmap64 uname regcomp regexec malloc realloc \
	strdup strndup getcwd fopen fopen64 open open64 openat openat64 fstat __fstat64_time64 fstatat __fstatat64_time64 \
	fstatfs fstatfs64 futimens __futimens64 readlink readlinkat poll memfd_create name_to_handle_at pthread_create \
	epoll_pwait2 __epoll_pwait2_time64 dup3 madvise clock_gettime __clock_gettime64 _mark_point

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

# Writers that do everything at once, for long: what is told is what is there. tests/storm/main.c says what there
# is to set: make storm SEEDS=20 BACKENDS="inotify fanotify poll" LEVELS="dirs entries" OPS=200000.
STORM := $(B)/tests/storm/storm
STORM_OBJECTS := $(STORM_SOURCES:%.c=$(B)/obj/%.o)
$(B)/obj/tests/storm/main.o: tests/storm/main.c $(FLAGS_STAMP) | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -Itests/support $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(STORM): $(STORM_OBJECTS) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -pthread $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(STORM_OBJECTS) $(STATIC)
.PHONY: storm
storm: $(STORM)
	$(STORM) $(foreach name,SEED SEEDS OPS BACKENDS LEVELS MODES FLOODS WORKERS SCRIPT LOG,$(if $($(name)),'$(name)=$($(name))'))

# The random operations of tests/loop/model.c and the threads of stress.c, in full: make loop-storm
# STEPS=100000 SEEDS=1 SENDS=1000000 SEED=1.
STEPS ?= 100000
SENDS ?= 1000000
.PHONY: loop-storm
loop-storm: SEEDS = 1
loop-storm: $(TEST_RUN)
	CK_RUN_SUITE=loop_model CK_TIMEOUT_MULTIPLIER=60 BUTTER_MODEL_SEED=$(SEED) BUTTER_MODEL_SEEDS=$(SEEDS) \
		BUTTER_MODEL_STEPS=$(STEPS) $(TEST_RUN)
	CK_RUN_SUITE=loop_stress CK_TIMEOUT_MULTIPLIER=60 BUTTER_STRESS_SENDS=$(SENDS) $(TEST_RUN)

# The suites, then the checks of the whole; the last line counts both.
check: all tests $(EXAMPLES) | $(DEPS_FIRST)
	CC='$(CC)' BUTTER_CFLAGS='$(ABI_FLAGS) $(CFLAGS) $(LDFLAGS)' scripts/check $(B)
