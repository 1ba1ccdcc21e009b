/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "filter.h"
#include "glob.h"

enum { SYNTAX = 0xff, LOOSE = BUTTER_TREE_FOLD | BUTTER_TREE_PERIOD };

struct rule {
	struct butter_tree_rule as_given; /* its pattern is the filter's */
	int whole;                        /* it is matched against the path */
	unsigned flags;                   /* of the glob */
	regex_t regex;
};

struct butter__filter {
	struct butter__filter_settings settings;
	int picks; /* what no report rule matches is not told */
	size_t count;
	struct rule rules[]; /* and behind them the patterns */
};

static unsigned syntax_of(const struct butter_tree_rule *rule)
{
	return rule->syntax & SYNTAX;
}

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* A glob never matches when a component of it is empty; a '/' at the beginning only says that it is whole. */
static int compile_glob(struct rule *rule)
{
	const char *glob = rule->as_given.pattern;
	size_t len = strlen(glob);
	if (*glob == '/')
		rule->as_given.pattern++;
	if (len == 0 || glob[len - 1] == '/' || strstr(glob, "//"))
		return invalid();
	rule->flags = rule->as_given.syntax & BUTTER_TREE_FOLD ? BUTTER__GLOB_FOLD : 0;
	rule->flags |= rule->as_given.syntax & BUTTER_TREE_PERIOD ? BUTTER__GLOB_PERIOD : 0;
	return butter__glob_check(rule->as_given.pattern);
}

static int compile_regex(struct rule *rule)
{
	int saved = errno, flags = REG_EXTENDED | REG_NOSUB;
	if (rule->as_given.syntax & BUTTER_TREE_FOLD)
		flags |= REG_ICASE;
	int error = regcomp(&rule->regex, rule->as_given.pattern, flags);
	errno = error == REG_ESPACE ? ENOMEM : error ? EINVAL : saved;
	return error ? -1 : 0;
}

static size_t size_of(const struct butter_tree_rule *rule)
{
	return rule->pattern ? strlen(rule->pattern) + 1 : 0;
}

/* Takes the rule over, its pattern at copy. */
static int compile(struct rule *rule, const struct butter_tree_rule *given, char *copy)
{
	unsigned syntax = syntax_of(given), loose = given->syntax & ~(unsigned)SYNTAX;
	rule->as_given = *given;
	if (given->action > BUTTER_TREE_INCLUDE || loose & ~(unsigned)LOOSE)
		return invalid();
	if (syntax == BUTTER_TREE_CALLBACK)
		return given->match && !given->pattern && !loose ? 0 : invalid();
	if (syntax > BUTTER_TREE_CALLBACK || !given->pattern)
		return invalid();
	rule->as_given.pattern = memcpy(copy, given->pattern, size_of(given));
	rule->whole = strchr(copy, '/') != NULL;
	if (syntax == BUTTER_TREE_GLOB)
		return compile_glob(rule);
	return loose & BUTTER_TREE_PERIOD ? invalid() : compile_regex(rule);
}

/* count is how many are compiled, so that free ends no other. */
static int compile_all(struct butter__filter *f, const struct butter_tree_rule *rules, size_t count)
{
	char *copy = (char *)(f->rules + count);
	int decided = 0;
	for (; f->count < count; f->count++) {
		const struct butter_tree_rule *rule = &rules[f->count];
		if (compile(&f->rules[f->count], rule, copy) < 0)
			return -1;
		copy += size_of(rule);
		if (!decided && rule->action != BUTTER_TREE_PRUNE) {
			f->picks = rule->action == BUTTER_TREE_INCLUDE;
			decided = 1;
		}
	}
	return 0;
}

struct butter__filter *butter__filter_new(const struct butter_tree_rule *rules, size_t count,
					  const struct butter__filter_settings *settings, size_t *ret_bad)
{
	size_t bytes = 0;
	if (count > SIZE_MAX / 4 / sizeof(struct rule)) {
		errno = ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		bytes += size_of(&rules[i]);
	struct butter__filter *f = calloc(1, sizeof(*f) + count * sizeof(f->rules[0]) + bytes);
	if (!f)
		return NULL;
	if (settings)
		f->settings = *settings;
	if (compile_all(f, rules, count) == 0)
		return f;
	if (ret_bad && errno == EINVAL)
		*ret_bad = f->count;
	butter__filter_free(f);
	return NULL;
}

void butter__filter_free(struct butter__filter *f)
{
	int saved = errno;
	for (size_t i = 0; f && i < f->count; i++)
		if (syntax_of(&f->rules[i].as_given) == BUTTER_TREE_REGEX)
			regfree(&f->rules[i].regex);
	free(f);
	errno = saved;
}

/* regexec(3) tells of nothing but a match, no match, and no memory. */
static int regex_matches(const struct rule *rule, const char *text)
{
	int saved = errno, error = regexec(&rule->regex, text, 0, NULL, 0);
	errno = saved;
	if (error && error != REG_NOMATCH)
		return rule->as_given.action == BUTTER_TREE_INCLUDE;
	return !error;
}

static int matches(const struct rule *rule, const char *path, const char *name, uint32_t type)
{
	const struct butter_tree_rule *given = &rule->as_given;
	const char *text = rule->whole ? path : name;
	switch (syntax_of(given)) {
	case BUTTER_TREE_GLOB:
		return butter__glob_match(given->pattern, text, rule->flags);
	case BUTTER_TREE_REGEX:
		return regex_matches(rule, text);
	default:
		return given->match(path, name, type, given->data);
	}
}

static int is_hidden(const struct butter__filter *f, const char *name)
{
	return f->settings.skip_hidden && *name == '.';
}

/* The rules last, since they cost most. */
enum butter__filter_verdict butter__filter_prunes(const struct butter__filter *f, const char *path,
						  const char *name, uint32_t depth, int is_dir)
{
	uint32_t max = f->settings.max_depth;
	if ((max && depth > max) || is_hidden(f, name))
		return BUTTER__FILTER_GONE;
	for (size_t i = 0; is_dir && i < f->count; i++)
		if (f->rules[i].as_given.action == BUTTER_TREE_PRUNE && matches(&f->rules[i], path, name, 0))
			return BUTTER__FILTER_GONE;
	return is_dir && depth == max ? BUTTER__FILTER_LEAF : BUTTER__FILTER_ENTER;
}

int butter__filter_reports(const struct butter__filter *f, const char *path, const char *name, uint32_t type)
{
	if ((f->settings.mask && !(f->settings.mask & type)) || is_hidden(f, name))
		return 0;
	for (size_t i = f->count; i-- > 0;)
		if (f->rules[i].as_given.action != BUTTER_TREE_PRUNE &&
		    matches(&f->rules[i], path, name, type))
			return f->rules[i].as_given.action == BUTTER_TREE_INCLUDE;
	return !f->picks;
}

int butter__filter_looks_at_paths(const struct butter__filter *f, int prune)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct rule *rule = &f->rules[i];
		if ((rule->as_given.action == BUTTER_TREE_PRUNE) == !!prune &&
		    (rule->whole || syntax_of(&rule->as_given) == BUTTER_TREE_CALLBACK))
			return 1;
	}
	return prune && f->settings.max_depth;
}

int butter__filter_calls(const struct butter__filter *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (syntax_of(&f->rules[i].as_given) == BUTTER_TREE_CALLBACK)
			return 1;
	return 0;
}
