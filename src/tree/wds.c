/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "wds.h"

enum { PAGE = 1024 };

static uint32_t *page_of(const struct butter__wds *w, int wd)
{
	return wd >= 0 && (uint32_t)wd / PAGE < w->count ? w->pages[(uint32_t)wd / PAGE] : NULL;
}

/* A page begins with the count of what is in it. */
static uint32_t *make_page(struct butter__wds *w, uint32_t page)
{
	if (page >= w->count) {
		uint32_t **pages = realloc(w->pages, (page + 1) * sizeof(*pages));
		if (!pages)
			return NULL;
		memset(pages + w->count, 0, (page + 1 - w->count) * sizeof(*pages));
		w->pages = pages;
		w->count = page + 1;
	}
	if (!w->pages[page])
		w->pages[page] = calloc(PAGE + 1, sizeof(uint32_t));
	return w->pages[page];
}

int butter__wds_set(struct butter__wds *w, int wd, uint32_t number)
{
	uint32_t *page = page_of(w, wd);
	if (!page && number)
		page = make_page(w, (uint32_t)wd / PAGE);
	if (!page)
		return number ? -1 : 0;
	uint32_t *item = &page[(uint32_t)wd % PAGE + 1];
	page[0] += (number != 0) - (*item != 0);
	*item = number;
	if (page[0] == 0) {
		butter__free(page);
		w->pages[(uint32_t)wd / PAGE] = NULL;
	}
	return 0;
}

uint32_t butter__wds_get(const struct butter__wds *w, int wd)
{
	const uint32_t *page = page_of(w, wd);
	return page ? page[(uint32_t)wd % PAGE + 1] : 0;
}

size_t butter__wds_bytes(const struct butter__wds *w)
{
	size_t bytes = w->count * sizeof(*w->pages);
	for (uint32_t i = 0; i < w->count; i++)
		bytes += w->pages[i] ? (PAGE + 1) * sizeof(uint32_t) : 0;
	return bytes;
}

void butter__wds_free(struct butter__wds *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		butter__free(w->pages[i]);
	butter__free(w->pages);
	*w = (struct butter__wds){0};
}
