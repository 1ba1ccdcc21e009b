/* SPDX-License-Identifier: MIT */
/*
 * usage: storm [SEED=1] [SEEDS=20] [OPS=200000] [BACKENDS="inotify fanotify poll"] [LEVELS="dirs entries"]
 *              [MODES="steps threads renames syncs"] [FLOODS=0] [WORKERS=0] [SCRIPT=file] [LOG=1]
 * Each seed on each backend and level. A run of "steps" that fails is made shorter, and printed as a
 * script; FLOODS=0 has no queue overflow in them; SCRIPT=file does such a one again, LOG=1 with its events.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "storm.h"

struct setting {
	const char *backend, *level, *mode;
	uint64_t seed;
	unsigned ops;
};

static struct storm_setting where;
static int failures, floods;
static uint32_t workers;

static const char *option(char **argv, const char *name, const char *otherwise)
{
	size_t n = strlen(name);
	for (; *argv; argv++)
		if (!strncmp(*argv, name, n) && (*argv)[n] == '=' && (*argv)[n + 1])
			return *argv + n + 1;
	return otherwise;
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void fail(const struct setting *o, const char *error)
{
	failures++;
	printf("FAIL %s %s %s SEED=%llu: %s\n", o->mode, o->backend, o->level, (unsigned long long)o->seed,
	       error);
}

static void print_script(const struct step_list *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		step_print(stdout, &steps->items[i]);
}

static void run_steps(const struct setting *o)
{
	char error[512];
	double from = now();
	struct step_list steps = storm_script(o->seed, o->ops, floods ? storm_flood(where.backend) : 0);
	size_t n = storm_replay(&where, &steps, error);
	printf("steps %s %s SEED=%llu: %zu steps, %.1f s%s%s\n", o->backend, o->level,
	       (unsigned long long)o->seed, n, now() - from, error[0] ? ": " : "", error);
	if (error[0]) {
		steps.count = n;
		fail(o, error);
		storm_shrink(&where, &steps);
		print_script(&steps);
	}
	free(steps.items);
}

static void print_storm(const struct setting *o, const struct storm *s, double seconds)
{
	struct butter_tree_statistics got;
	butter_tree_get(s->x, &got);
	printf("%s %s %s SEED=%llu: %u operations, %llu done, %zu directories, %zu files, %llu records, "
	       "%llu events, %llu overflows, %llu rescans, %u checks, %.1f s\n",
	       o->mode, o->backend, o->level, (unsigned long long)o->seed, o->ops,
	       (unsigned long long)s->done, s->known.dirs, s->known.files, (unsigned long long)got.records,
	       (unsigned long long)got.events, (unsigned long long)got.overflows,
	       (unsigned long long)got.rescans, s->checks, seconds);
}

/* Three times while nobody reads, and each time again while that is made up for. */
static void want_overflows(struct storm *s)
{
	struct butter_tree_statistics got;
	butter_tree_get(s->x, &got);
	if (s->backend != BUTTER_TREE_POLL && got.overflows < 6)
		naive_wrong(&s->known, "overflows", "too few");
}

static void run_threads(const struct setting *o)
{
	uint64_t seed = o->seed;
	struct storm s = {.log = where.log, .adding = storm_adding, .data = &seed, .workers = workers};
	double from = now();
	if (storm_begin(&s, where.dir, where.backend, where.flags) < 0) {
		fail(o, strerror(errno));
		return;
	}
	if (!strcmp(o->mode, "syncs"))
		storm_syncs(&s, o->seed, o->ops);
	else if (!strcmp(o->mode, "renames"))
		storm_threads(&s, o->seed, 8, o->ops, 1);
	else
		storm_threads(&s, o->seed, 4, o->ops, 0);
	if (strcmp(o->mode, "syncs") != 0)
		want_overflows(&s);
	print_storm(o, &s, now() - from);
	if (s.known.errors > 0)
		fail(o, s.known.first);
	storm_end(&s);
}

static void run(const struct setting *o)
{
	static const char *const names[] = {"auto", "fanotify", "inotify", "poll"};
	where.flags = !strcmp(o->level, "entries") ? BUTTER_TREE_ENTRIES : 0;
	for (uint32_t i = 0; i < 4; i++)
		if (!strcmp(names[i], o->backend))
			where.backend = i;
	if (!strcmp(o->mode, "steps"))
		run_steps(o);
	else
		run_threads(o);
	fflush(stdout);
}

static void replay_file(const char *name, const struct setting *o)
{
	char line[128], error[512];
	struct step_list steps = {.items = calloc(1 << 20, sizeof(struct step))};
	FILE *f = fopen(name, "re");
	while (f && steps.count < 1 << 20 && fgets(line, sizeof(line), f))
		steps.count += (size_t)step_scan(line, &steps.items[steps.count]);
	if (f)
		fclose(f);
	where.flags = !strcmp(o->level, "entries") ? BUTTER_TREE_ENTRIES : 0;
	where.backend = !strcmp(o->backend, "fanotify") ? BUTTER_TREE_FANOTIFY
			: !strcmp(o->backend, "poll")   ? BUTTER_TREE_POLL
							: BUTTER_TREE_INOTIFY;
	storm_replay(&where, &steps, error);
	printf("%zu steps: %s\n", steps.count, error);
	free(steps.items);
}

/* A filesystem of its own, where that is allowed: nobody else's records fill the queue. */
static void go_aside(char *dir)
{
	if (!mkdtemp(dir)) {
		perror(dir);
		exit(2);
	}
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		(void)!mount("storm", dir, "tmpfs", 0, NULL);
}

static void each(const char *words, struct setting *o, const char **slot, void (*next)(struct setting *))
{
	char *copy = strdup(words), *at = copy, *word;
	while ((word = strsep(&at, " ")))
		if (*word) {
			*slot = word;
			next(o);
		}
	free(copy);
}

static char **arguments;
static void each_seed(struct setting *o)
{
	uint64_t seed = strtoull(option(arguments, "SEED", "1"), NULL, 10);
	uint64_t seeds = strtoull(option(arguments, "SEEDS", "20"), NULL, 10);
	o->ops = (unsigned)strtoul(option(arguments, "OPS", "200000"), NULL, 10);
	if (!strcmp(o->mode, "syncs"))
		o->ops /= 20;
	else if (!strcmp(o->mode, "renames"))
		o->ops /= 2;
	for (o->seed = seed; o->seed < seed + seeds; o->seed++)
		run(o);
}
static void each_mode(struct setting *o)
{
	each(option(arguments, "MODES", "threads"), o, &o->mode, each_seed);
}
static void each_level(struct setting *o)
{
	each(option(arguments, "LEVELS", "dirs entries"), o, &o->level, each_mode);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/butter-storm-XXXXXX";
	struct setting o = {.backend = "inotify", .level = "entries", .mode = "steps"};
	(void)argc;
	arguments = argv + 1;
	go_aside(dir);
	where.dir = dir;
	where.log = strcmp(option(arguments, "LOG", "0"), "1") ? NULL : stdout;
	floods = strcmp(option(arguments, "FLOODS", "1"), "0") != 0;
	workers = (uint32_t)strtoul(option(arguments, "WORKERS", "0"), NULL, 10);
	const char *script = option(arguments, "SCRIPT", NULL);
	if (script) {
		o.backend = option(arguments, "BACKENDS", "inotify");
		o.level = option(arguments, "LEVELS", "entries");
		replay_file(script, &o);
	} else {
		each(option(arguments, "BACKENDS", "inotify fanotify poll"), &o, &o.backend, each_level);
	}
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	printf("%d failures\n", failures);
	return failures > 0;
}
