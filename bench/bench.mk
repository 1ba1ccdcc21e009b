# SPDX-License-Identifier: MIT
# make bench: butter beside hand-written C and beside its peers, as far as they are installed.
# BENCH_DIRECTORIES=10000 makes smaller trees.

BENCH := $(B)/bench/bench

# libinotifytools has no pkg-config file: see whether a program links.
ifneq ($(filter bench $(BENCH),$(MAKECMDGOALS)),)
BENCH_TOOLS := $(shell mkdir -p $(B)/bench && printf '%s\n' '$(HASH)include <inotifytools/inotifytools.h>' \
	'int main(void) { return inotifytools_initialize(); }' | \
	$(CC) $(ALL_CPPFLAGS) $(CFLAGS) $(LDFLAGS) -xc -o $(B)/bench/probe - -linotifytools 2>/dev/null && \
	echo -DBENCH_INOTIFYTOOLS -linotifytools)
endif
BENCH_STAMP := $(B)/bench/peers$(words $(BENCH_TOOLS))

$(BENCH_STAMP):
	@mkdir -p $(@D) && rm -f $(@D)/peers? && : >$@

$(BENCH): $(wildcard bench/*.c) $(wildcard bench/*.h) $(HEADERS) $(SHARED) $(FLAGS_STAMP) $(BENCH_STAMP)
	$(CC) $(ALL_CPPFLAGS) $(filter -D%,$(BENCH_TOOLS)) $(ALL_CFLAGS) -pthread $(LDFLAGS) -o $@ $(filter bench/%.c,$^) \
		$(SHARED) -Wl,-rpath,'$$ORIGIN/..' $(filter -l%,$(BENCH_TOOLS))

bench: $(BENCH) $(B)/libbutter.so.$(SOVERSION)
	$(BENCH) bench/pyinotify_drain.py bench/pyinotify_tree.py $(BENCH_DIRECTORIES)
