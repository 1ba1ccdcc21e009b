/* SPDX-License-Identifier: MIT */
#include "aliases.h"
#include "../event/object.h"

enum { FIRST_SIZE = 16 };

static struct butter__alias *at_place(const struct butter__aliases *a, uint32_t place)
{
	return &a->items[place - 1];
}

static int grow(struct butter__aliases *a)
{
	struct butter__alias *items = butter__grow(a->items, &a->size, FIRST_SIZE, sizeof(*items));
	if (!items)
		return -1;
	a->items = items;
	return 0;
}

int butter__aliases_add(struct butter__aliases *a, uint32_t channel, int wd, uint32_t node)
{
	uint32_t first = butter__wds_get(&a->first[channel], wd), place = a->count + 1;
	if (a->count == a->size && grow(a) < 0)
		return -1;
	if (butter__wds_set(&a->of_node, (int)node, place) < 0)
		return -1;
	if (!first && butter__wds_set(&a->first[channel], wd, place) < 0) {
		butter__wds_set(&a->of_node, (int)node, 0);
		return -1;
	}
	a->count++;
	struct butter__alias *alias = at_place(a, place);
	*alias = (struct butter__alias){.node = node, .channel = channel, .wd = wd, .prev = place};
	if (first) {
		alias->prev = at_place(a, first)->prev;
		at_place(a, alias->prev)->next = place;
		at_place(a, first)->prev = place;
	}
	return 0;
}

uint32_t butter__aliases_next(const struct butter__aliases *a, uint32_t channel, int wd, uint32_t *at)
{
	uint32_t place = *at ? *at : butter__wds_get(&a->first[channel], wd);
	if (!place || place > a->count) {
		*at = UINT32_MAX;
		return 0;
	}
	*at = at_place(a, place)->next ? at_place(a, place)->next : UINT32_MAX;
	return at_place(a, place)->node;
}

static void unlink_alias(struct butter__aliases *a, uint32_t place)
{
	const struct butter__alias *alias = at_place(a, place);
	uint32_t first = butter__wds_get(&a->first[alias->channel], alias->wd);
	if (first == place)
		butter__wds_set(&a->first[alias->channel], alias->wd, alias->next);
	else
		at_place(a, alias->prev)->next = alias->next;
	if (alias->next)
		at_place(a, alias->next)->prev = alias->prev;
	else if (first != place)
		at_place(a, first)->prev = alias->prev;
	butter__wds_set(&a->of_node, (int)alias->node, 0);
}

/* The last of all takes the place that is free. Nothing is allocated where there was something before. */
static void move_alias(struct butter__aliases *a, uint32_t from, uint32_t to)
{
	struct butter__alias *alias = at_place(a, to);
	*alias = *at_place(a, from);
	uint32_t first = butter__wds_get(&a->first[alias->channel], alias->wd);
	butter__wds_set(&a->of_node, (int)alias->node, to);
	if (first == from) {
		butter__wds_set(&a->first[alias->channel], alias->wd, to);
		first = to;
	} else {
		at_place(a, alias->prev)->next = to;
	}
	if (alias->next)
		at_place(a, alias->next)->prev = to;
	else
		at_place(a, first)->prev = to;
}

uint32_t butter__aliases_take(struct butter__aliases *a, uint32_t channel, int wd, uint32_t node)
{
	uint32_t place =
		node ? butter__wds_get(&a->of_node, (int)node) : butter__wds_get(&a->first[channel], wd);
	if (!place || at_place(a, place)->channel != channel || at_place(a, place)->wd != wd)
		return 0;
	node = at_place(a, place)->node;
	unlink_alias(a, place);
	if (place != a->count)
		move_alias(a, a->count, place);
	a->count--;
	return node;
}

size_t butter__aliases_bytes(const struct butter__aliases *a)
{
	size_t bytes = a->size * sizeof(*a->items) + butter__wds_bytes(&a->of_node);
	for (int i = 0; i < BUTTER__ALIAS_CHANNELS; i++)
		bytes += butter__wds_bytes(&a->first[i]);
	return bytes;
}

void butter__aliases_free(struct butter__aliases *a)
{
	butter__free(a->items);
	butter__wds_free(&a->of_node);
	for (int i = 0; i < BUTTER__ALIAS_CHANNELS; i++)
		butter__wds_free(&a->first[i]);
	*a = (struct butter__aliases){0};
}
