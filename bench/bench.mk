# SPDX-License-Identifier: MIT
# make bench: butter beside hand-written C and beside its peers, as far as they are installed.
# BENCH_DIRECTORIES=10000 makes smaller trees.

BENCH := $(B)/bench/bench

# $(call bench_has,NAME,HEADER,EXPRESSION,FLAGS): -DBENCH_NAME and FLAGS where a program with them links.
# Not all have a pkg-config file, and what it says is not proof that there are headers for this ABI.
bench_has = $(shell mkdir -p $(B)/bench && printf '%s\n' '$(HASH)include <$2>' \
	'int main(void) { return (int)(long)($3); }' | \
	$(CC) $(ALL_CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(filter -I%,$4) -xc -o $(B)/bench/probe - $(filter -l%,$4) \
	2>/dev/null && echo -DBENCH_$1 $4)
bench_config = $(shell pkg-config --cflags --libs $1 2>/dev/null)
ifneq ($(filter bench bench-loop $(BENCH),$(MAKECMDGOALS)),)
BENCH_TOOLS := $(call bench_has,INOTIFYTOOLS,inotifytools/inotifytools.h,inotifytools_initialize(),-linotifytools)
# libev has functions of libevent's names, so that libevent comes first.
BENCH_TOOLS += $(call bench_has,LIBEVENT,event2/event.h,event_base_new(),-levent_core -levent_pthreads)
BENCH_TOOLS += $(call bench_has,LIBEV,ev.h,ev_loop_new(0),-lev)
BENCH_TOOLS += $(call bench_has,LIBUV,uv.h,uv_default_loop(),-luv)
BENCH_TOOLS += $(call bench_has,GLIB,glib.h,g_main_context_new(),$(call bench_config,glib-2.0))
BENCH_TOOLS += $(call bench_has,SD_EVENT,systemd/sd-event.h,sd_event_default(0),-lsystemd)
endif
BENCH_STAMP := $(B)/bench/peers$(words $(BENCH_TOOLS))

$(BENCH_STAMP):
	@mkdir -p $(@D) && rm -f $(@D)/peers? $(@D)/peers?? && : >$@

# A loop of a few cycles takes a fifth more where it happens to lie across what is fetched at once.
BENCH_ALIGN := -falign-functions=32 -falign-loops=32

$(BENCH): $(wildcard bench/*.c bench/*.h) $(HEADERS) $(SHARED) $(FLAGS_STAMP) $(BENCH_STAMP)
	$(CC) $(ALL_CPPFLAGS) $(filter -D%,$(BENCH_TOOLS)) $(patsubst -I%,-isystem %,$(filter -I%,$(BENCH_TOOLS))) \
		$(ALL_CFLAGS) $(BENCH_ALIGN) -pthread $(LDFLAGS) -o $@ $(filter bench/%.c,$^) \
		$(SHARED) -Wl,-rpath,'$$ORIGIN/..' $(filter -l%,$(BENCH_TOOLS))

bench: $(BENCH) $(B)/libbutter.so.$(SOVERSION)
	$(BENCH) bench/pyinotify_drain.py bench/pyinotify_tree.py $(BENCH_DIRECTORIES)

# The event loops alone: BENCH_PART=rings, adds, timers, wakes, children or figures.
bench-loop: $(BENCH) $(B)/libbutter.so.$(SOVERSION)
	$(BENCH) --loop $(BENCH_PART)
