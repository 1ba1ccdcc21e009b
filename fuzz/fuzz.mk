# SPDX-License-Identifier: MIT
# Fuzzing. Each file of fuzz/ but replay.c is a target, and fuzz/corpus/TARGET its inputs, which make
# check replays. `make fuzz` looks for more, `make fuzz-merge` brings what it found into the tree.

FUZZ_TARGETS := $(patsubst fuzz/%.c,%,$(filter-out fuzz/replay.c,$(wildcard fuzz/*.c)))
FUZZ_REPLAYS := $(FUZZ_TARGETS:%=$(B)/fuzz/replay/%)
FUZZ_TIME ?= 60
FUZZ_RUNS ?=
FUZZ_CC ?= clang
AFL_CC ?= afl-clang-fast
FUZZ_SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# The compilers of CFLAGS and of this file may differ: only what both know.
FUZZ_CFLAGS := $(ALL_CPPFLAGS) -std=c11 -Wall -Wextra -ffile-prefix-map=$(CURDIR)=. $(FUZZ_SANITIZE)

$(B)/fuzz/replay/%: fuzz/%.c fuzz/replay.c fuzz/fuzz.h $(STATIC) $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -pthread $(LDFLAGS) -o $@ $< fuzz/replay.c $(STATIC)

# How a target is built with libFuzzer and with AFL: library and all, in a folder of its own.
$(B)/fuzz/libfuzzer/obj/%.o: %.c fuzz/fuzz.mk $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(B)/fuzz/libfuzzer/%: $(B)/fuzz/libfuzzer/obj/fuzz/%.o $(SOURCES:%.c=$(B)/fuzz/libfuzzer/obj/%.o)
	$(FUZZ_CC) $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $^

$(B)/fuzz/afl/obj/%.o: %.c fuzz/fuzz.mk $(FLAGS_STAMP)
	@mkdir -p $(@D)
	AFL_QUIET=1 $(AFL_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/fuzz/afl/%: $(B)/fuzz/afl/obj/fuzz/%.o $(B)/fuzz/afl/obj/fuzz/replay.o $(SOURCES:%.c=$(B)/fuzz/afl/obj/%.o)
	AFL_QUIET=1 $(AFL_CC) $(FUZZ_SANITIZE) -o $@ $^

.SECONDARY: $(foreach by,libfuzzer afl,$(patsubst %.c,$(B)/fuzz/$(by)/obj/%.o,$(wildcard fuzz/*.c) $(SOURCES)))

.PHONY: fuzz fuzz-merge fuzz-afl
check: $(FUZZ_REPLAYS)

fuzz: $(FUZZ_TARGETS:%=$(B)/fuzz/libfuzzer/%)
	FUZZ_TIME='$(FUZZ_TIME)' FUZZ_RUNS='$(FUZZ_RUNS)' scripts/fuzz run $(B)/fuzz $(FUZZ_TARGETS)

fuzz-merge: $(FUZZ_TARGETS:%=$(B)/fuzz/libfuzzer/%)
	scripts/fuzz merge $(B)/fuzz $(FUZZ_TARGETS)

fuzz-afl: $(FUZZ_TARGETS:%=$(B)/fuzz/afl/%)
	FUZZ_TIME='$(FUZZ_TIME)' FUZZ_RUNS='$(FUZZ_RUNS)' scripts/fuzz afl $(B)/fuzz $(FUZZ_TARGETS)
