/* SPDX-License-Identifier: MIT */
/* An assignment of fds that is simultaneous, as a list of steps that are not. */
#include "process.h"

struct plan {
	struct butter_spawn_fd *left;
	size_t count;
	struct butter__fd_step *steps;
	size_t made;
};

static void step(struct plan *p, int32_t from, int32_t to)
{
	p->steps[p->made++] = (struct butter__fd_step){.from = from, .to = to};
}

/* Whether fd is still to be duplicated by an entry for another number. */
static int is_needed(const struct plan *p, int32_t fd)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->left[i].from == fd && p->left[i].fd != fd)
			return 1;
	return 0;
}

/* The entry that gives fd, or count. */
static size_t entry_of(const struct plan *p, int32_t fd)
{
	size_t i = 0;
	while (i < p->count && p->left[i].fd != fd)
		i++;
	return i;
}

/* Makes the step of entry i, and of those that only waited for the one before. */
static void follow(struct plan *p, size_t i)
{
	while (i < p->count) {
		struct butter_spawn_fd entry = p->left[i];
		p->left[i] = (struct butter_spawn_fd){.fd = -1, .from = -1}; /* done */
		step(p, entry.from, entry.fd);
		i = entry.from < 0 || is_needed(p, entry.from) ? p->count : entry_of(p, entry.from);
	}
}

/*
 * What nobody needs is overwritten first. Where only cycles are left, every number is the target
 * of one entry and the source of one: a duplicate of a source opens its cycle.
 */
size_t butter__fd_steps(struct butter_spawn_fd *left, size_t count, struct butter__fd_step *ret_steps)
{
	struct plan p = {.left = left, .count = count, .steps = ret_steps};
	for (size_t i = 0; i < count; i++)
		if (left[i].fd >= 0 && !is_needed(&p, left[i].fd))
			follow(&p, i);
	for (size_t i = 0; i < count; i++) {
		int32_t from = left[i].from;
		if (left[i].fd < 0)
			continue;
		step(&p, from, BUTTER__SPARE);
		left[i].from = BUTTER__SPARE;
		follow(&p, entry_of(&p, from));
	}
	return p.made;
}
