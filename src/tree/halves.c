/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "halves.h"

enum { FIRST_SIZE = 64 };

static struct butter__half *at(const struct butter__halves *h, uint32_t place)
{
	return &h->items[place - 1];
}

static uint32_t *cookie_bucket(const struct butter__halves *h, uint32_t cookie)
{
	return &h->by_cookie[(cookie * UINT32_C(2654435761) >> 7) & (h->size - 1)];
}

static uint32_t *name_bucket(const struct butter__halves *h, uint32_t dir, const char *name, size_t len)
{
	uint32_t hash = dir * UINT32_C(2654435761);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * UINT32_C(16777619);
	return &h->by_name[(hash ^ hash >> 15) & (h->size - 1)];
}

static void link_half(struct butter__halves *h, uint32_t place)
{
	struct butter__half *half = at(h, place);
	uint32_t *cookie = cookie_bucket(h, half->cookie);
	uint32_t *name = name_bucket(h, half->dir, half->name, half->len);
	half->next_by_cookie = *cookie;
	half->next_by_name = *name;
	*cookie = *name = place;
}

static int grow(struct butter__halves *h)
{
	uint32_t size = h->size ? h->size * 2 : FIRST_SIZE;
	struct butter__half *items = realloc(h->items, size * sizeof(*items));
	if (items)
		h->items = items;
	uint32_t *by_cookie = calloc(size, sizeof(*by_cookie)), *by_name = calloc(size, sizeof(*by_name));
	if (!items || !by_cookie || !by_name) {
		butter__free(by_cookie);
		butter__free(by_name);
		return -1;
	}
	butter__free(h->by_cookie);
	butter__free(h->by_name);
	h->by_cookie = by_cookie;
	h->by_name = by_name;
	h->size = size;
	for (uint32_t i = 1; i <= h->used; i++)
		if (at(h, i)->name)
			link_half(h, i);
	return 0;
}

static uint32_t take_place(struct butter__halves *h)
{
	uint32_t place = h->free;
	if (place)
		h->free = at(h, place)->next_by_cookie;
	else
		place = ++h->used;
	return place;
}

static void give_back(struct butter__halves *h, uint32_t place)
{
	*at(h, place) = (struct butter__half){.next_by_cookie = h->free};
	h->free = place;
}

int butter__halves_add(struct butter__halves *h, const struct butter__half *half)
{
	if (!h->free && h->used == h->size && grow(h) < 0)
		return -1;
	char *name = malloc(half->len + 1);
	if (!name)
		return -1;
	uint32_t place = take_place(h), first = butter__wds_get(&h->of_dir, (int)half->dir);
	if (butter__wds_set(&h->of_dir, (int)half->dir, place) < 0) {
		butter__free(name);
		give_back(h, place);
		return -1;
	}
	memcpy(name, half->name, half->len);
	name[half->len] = '\0';
	*at(h, place) = *half;
	at(h, place)->name = name;
	at(h, place)->next_in_dir = first;
	at(h, place)->prev_in_dir = 0;
	if (first)
		at(h, first)->prev_in_dir = place;
	link_half(h, place);
	h->count++;
	return 0;
}

uint32_t butter__halves_in_dir(const struct butter__halves *h, uint32_t dir)
{
	return butter__wds_get(&h->of_dir, (int)dir);
}

uint32_t butter__halves_by_cookie(const struct butter__halves *h, uint32_t cookie)
{
	uint32_t place = h->count > 0 ? *cookie_bucket(h, cookie) : 0;
	while (place && at(h, place)->cookie != cookie)
		place = at(h, place)->next_by_cookie;
	return place;
}

uint32_t butter__halves_by_name(const struct butter__halves *h, uint32_t dir, const char *name, size_t len,
				uint32_t but_cookie)
{
	uint32_t place = h->count > 0 ? *name_bucket(h, dir, name, len) : 0;
	for (; place; place = at(h, place)->next_by_name) {
		const struct butter__half *half = at(h, place);
		if (half->dir == dir && half->len == len && half->cookie != but_cookie &&
		    !memcmp(half->name, name, len))
			break;
	}
	return place;
}

static void unlink_half(struct butter__halves *h, uint32_t place)
{
	const struct butter__half *half = at(h, place);
	uint32_t *cookie = cookie_bucket(h, half->cookie);
	uint32_t *name = name_bucket(h, half->dir, half->name, half->len);
	while (*cookie != place)
		cookie = &at(h, *cookie)->next_by_cookie;
	while (*name != place)
		name = &at(h, *name)->next_by_name;
	*cookie = half->next_by_cookie;
	*name = half->next_by_name;
	if (half->next_in_dir)
		at(h, half->next_in_dir)->prev_in_dir = half->prev_in_dir;
	if (half->prev_in_dir)
		at(h, half->prev_in_dir)->next_in_dir = half->next_in_dir;
	else
		butter__wds_set(&h->of_dir, (int)half->dir, half->next_in_dir);
}

void butter__halves_remove(struct butter__halves *h, uint32_t place)
{
	unlink_half(h, place);
	butter__free(at(h, place)->name);
	give_back(h, place);
	h->count--;
}

size_t butter__halves_bytes(const struct butter__halves *h)
{
	return (size_t)h->size * (sizeof(*h->items) + 2 * sizeof(uint32_t)) + butter__wds_bytes(&h->of_dir);
}

void butter__halves_free(struct butter__halves *h)
{
	for (uint32_t i = 1; i <= h->used; i++)
		butter__free(at(h, i)->name);
	butter__free(h->items);
	butter__free(h->by_cookie);
	butter__free(h->by_name);
	butter__wds_free(&h->of_dir);
	*h = (struct butter__halves){0};
}
