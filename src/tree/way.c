/* SPDX-License-Identifier: MIT */
/* From one directory to another that is near, however deep both are. */
#include <string.h>

#include "model.h"

static uint32_t depth_of(const struct butter__model *m, uint32_t node)
{
	uint32_t depth = 0;
	for (; butter__node(m, node)->parent; node = butter__node(m, node)->parent)
		depth++;
	return depth;
}

static uint32_t go_up(const struct butter__model *m, uint32_t node, uint32_t levels)
{
	for (; levels > 0; levels--)
		node = butter__node(m, node)->parent;
	return node;
}

/* Of two nodes of the same depth; 0: they have nothing in common. */
static uint32_t go_to_common(const struct butter__model *m, uint32_t a, uint32_t b, uint32_t *ret_levels)
{
	*ret_levels = 0;
	for (; a != b; ++*ret_levels) {
		a = butter__node(m, a)->parent;
		b = butter__node(m, b)->parent;
	}
	return a;
}

/* Names from their end, as they are found. */
static size_t write_names(const struct butter__model *m, uint32_t node, uint32_t count, char *buf, size_t len)
{
	size_t at = len;
	for (; count > 0; count--, node = butter__node(m, node)->parent) {
		const struct butter__node *n = butter__node(m, node);
		if (at < n->name_len + 1U)
			return 0;
		buf[--at] = '/';
		at -= n->name_len;
		memcpy(buf + at, butter__node_name(m, node), n->name_len);
	}
	memmove(buf, buf + at, len - at);
	return len - at;
}

size_t butter__model_way(const struct butter__model *m, uint32_t from, uint32_t to, char *buf, size_t len)
{
	uint32_t depth_from = depth_of(m, from), depth_to = depth_of(m, to), up, down, common;
	uint32_t depth = depth_from < depth_to ? depth_from : depth_to;
	if (!go_to_common(m, go_up(m, from, depth_from - depth), go_up(m, to, depth_to - depth), &common))
		return 0;
	up = depth_from - depth + common;
	down = depth_to - depth + common;
	if (up + down == 0 || up + down >= depth_to || up >= len / 3)
		return 0;
	for (uint32_t i = 0; i < up; i++)
		memcpy(buf + (size_t)3 * i, "../", 3);
	size_t at = (size_t)3 * up, n = write_names(m, to, down, buf + at, len - at);
	if (down > 0 && n == 0)
		return 0;
	buf[at + n - 1] = '\0';
	return at + n - 1;
}
