/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "loop.h"

void bench_loop(const char *part)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"rings", loop_rings},  {"adds", loop_adds},         {"timers", loop_timers},
		     {"wakes", loop_wakes},  {"children", loop_children}, {"figures", loop_bytes},
		     {"figures", loop_calls}};
	loop_head();
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!part || strcmp(part, parts[i].name) == 0)
			parts[i].run();
}
