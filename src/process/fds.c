/* SPDX-License-Identifier: MIT */
/* An assignment of fds that is simultaneous, as a list of steps that are not. */
#include <errno.h>

#include "process.h"

enum { DONE = -3 }; /* the from of an entry that has its step */

struct plan {
	struct butter__fd_entry *entries;
	size_t count;
	struct butter__fd_step *steps;
	size_t made;
};

static int32_t fd_at(const struct butter__fd_entry *entries, size_t place)
{
	return entries[entries[place].sorted].fd;
}

static void swap(struct butter__fd_entry *entries, size_t place, size_t other)
{
	uint32_t index = entries[place].sorted;
	entries[place].sorted = entries[other].sorted;
	entries[other].sorted = index;
}

/* Lets what is at place sink into the heap, whose largest fd is at 0. */
static void sift(struct butter__fd_entry *entries, size_t place, size_t count)
{
	for (size_t child; (child = 2 * place + 1) < count; place = child) {
		if (child + 1 < count && fd_at(entries, child) < fd_at(entries, child + 1))
			child++;
		if (fd_at(entries, place) >= fd_at(entries, child))
			return;
		swap(entries, place, child);
	}
}

/* A heap sort: qsort(3) of glibc may allocate. */
static void sort(struct butter__fd_entry *entries, size_t count)
{
	for (size_t place = count / 2; place-- > 0;)
		sift(entries, place, count);
	for (size_t last = count; last-- > 1;) {
		swap(entries, 0, last);
		sift(entries, 0, last);
	}
}

/* The entry that gives fd, or NULL. */
static struct butter__fd_entry *entry_of(const struct plan *p, int32_t fd)
{
	size_t low = 0, high = p->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (fd_at(p->entries, middle) < fd)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->count && fd_at(p->entries, low) == fd ? &p->entries[p->entries[low].sorted] : NULL;
}

/* The entry that has to wait for this one, since it overwrites what this one duplicates; or NULL. */
static struct butter__fd_entry *waiter(const struct plan *p, const struct butter__fd_entry *entry)
{
	return entry->from < 0 || entry->from == entry->fd ? NULL : entry_of(p, entry->from);
}

static void step(struct plan *p, int32_t from, int32_t to)
{
	p->steps[p->made++] = (struct butter__fd_step){.from = from, .to = to};
}

/* Makes the step of an entry, and of those that only waited for the one before. */
static void follow(struct plan *p, struct butter__fd_entry *entry)
{
	while (entry) {
		struct butter__fd_entry *next = waiter(p, entry);
		step(p, entry->from, entry->fd);
		entry->from = DONE;
		entry = next && --next->needs == 0 ? next : NULL;
	}
}

/* 0, or -1 and EINVAL: an fd is named twice, and an order would be needed to say which one counts. */
static int prepare(struct plan *p, const struct butter_spawn_fd *fds)
{
	for (size_t i = 0; i < p->count; i++)
		p->entries[i] = (struct butter__fd_entry){fds[i].fd, fds[i].from, 0, (uint32_t)i};
	sort(p->entries, p->count);
	for (size_t i = 1; i < p->count; i++) {
		if (fd_at(p->entries, i - 1) == fd_at(p->entries, i)) {
			errno = EINVAL;
			return -1;
		}
	}
	for (size_t i = 0; i < p->count; i++) {
		struct butter__fd_entry *waits = waiter(p, &p->entries[i]);
		if (waits)
			waits->needs++;
	}
	return 0;
}

/*
 * What nobody needs is overwritten first. Where only cycles are left, every number is the target
 * of one entry and the source of one: a duplicate of a source opens its cycle.
 */
ssize_t butter__fd_steps(const struct butter_spawn_fd *fds, size_t count, struct butter__fd_entry *work,
			 struct butter__fd_step *ret_steps)
{
	struct plan p = {.entries = work, .count = count, .steps = ret_steps};
	if (prepare(&p, fds) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (work[i].from != DONE && work[i].needs == 0)
			follow(&p, &work[i]);
	for (size_t i = 0; i < count; i++) {
		if (work[i].from == DONE)
			continue;
		struct butter__fd_entry *opened = waiter(&p, &work[i]);
		step(&p, work[i].from, BUTTER__SPARE);
		work[i].from = BUTTER__SPARE;
		follow(&p, opened);
	}
	return (ssize_t)p.made;
}
