# SPDX-License-Identifier: MIT
# Each file of fuzz/ but replay.c is a fuzz target, and fuzz/corpus/TARGET its inputs, which make check
# replays.

FUZZ_TARGETS := $(patsubst fuzz/%.c,%,$(filter-out fuzz/replay.c,$(wildcard fuzz/*.c)))
FUZZ_REPLAYS := $(FUZZ_TARGETS:%=$(B)/fuzz/replay/%)

$(B)/fuzz/replay/%: fuzz/%.c fuzz/replay.c fuzz/fuzz.h $(STATIC) $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -pthread $(LDFLAGS) -o $@ $< fuzz/replay.c $(STATIC)

check: $(FUZZ_REPLAYS)
