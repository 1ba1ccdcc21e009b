/* SPDX-License-Identifier: MIT */
/* What may happen to a tree. The working directory holds a and b, which are roots, and out, which is none. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "test.h"

#define must(call) ck_assert_msg((call) == 0, "%s: %s", #call, strerror(errno))

enum { SCENARIOS = 15 };

struct scenario {
	const char *name;
	void (*act)(void);
	uint32_t told, seen; /* what every backend of records must tell, and one that looks */
};
extern const struct scenario scenarios[SCENARIOS + 1];

void prepare(void);
void put_file(const char *name);
void move_within(void);

#endif
