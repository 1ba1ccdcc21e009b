/* SPDX-License-Identifier: MIT */
/* Runs every suite that was linked in; the last line says N passed, N failed, N skipped. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "fault.h"
#include "test.h"

static struct suite *suites;
static unsigned *skipped; /* shared with the processes that the tests run in */

static unsigned fds_before;
static char *folders[8], *inside[8], *paths[64];
static size_t n_folders, n_paths;

void suite_register(struct suite *suite)
{
	struct suite **at = &suites;
	while (*at && strcmp((*at)->title, suite->title) < 0)
		at = &(*at)->next;
	suite->next = *at;
	*at = suite;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* musl goes no deeper than there are fds for. */
void remove_scratch(void)
{
	while (n_folders > 0) {
		ck_assert_int_eq(nftw(folders[--n_folders], remove_one, 256, FTW_DEPTH | FTW_PHYS), 0);
		free(folders[n_folders]);
		free(inside[n_folders]);
	}
}

void leave_scratch(void)
{
	n_folders = 0;
}

void test_skip(const char *name, const char *reason)
{
	const char *strict = getenv("BUTTER_TEST_STRICT");
	printf("SKIP %s: %s\n", name, reason);
	fflush(stdout);
	if (strict && *strict == '1')
		ck_abort_msg("skipped under BUTTER_TEST_STRICT: %s", reason);
	__atomic_add_fetch(skipped, 1, __ATOMIC_SEQ_CST);
	remove_scratch();
	_exit(0);
}

unsigned amount(unsigned few, unsigned all)
{
	const char *full = getenv("BUTTER_TEST_FULL");
	return full && *full == '1' ? all : few;
}

unsigned count_fds(void)
{
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

const char *scratch(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = NULL;
	ck_assert_uint_lt(n_folders, sizeof(folders) / sizeof(folders[0]));
	ck_assert_int_gt(asprintf(&path, "%s/butter-test-XXXXXX", tmp ? tmp : "/tmp"), 0);
	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(chmod(path, 0755), 0); /* a test may give its own to others */
	folders[n_folders] = path;
	ck_assert_int_gt(asprintf(&inside[n_folders], "%s/in", path), 0);
	ck_assert_int_eq(mkdir(inside[n_folders], 0700), 0);
	return inside[n_folders++];
}

const char *path_in(const char *dir, const char *name)
{
	static size_t at;
	char **slot = &paths[at++ % (sizeof(paths) / sizeof(paths[0]))];
	free(*slot);
	ck_assert_int_gt(asprintf(slot, "%s/%s", dir, name), 0);
	return *slot;
}

void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

long read_number(const char *path)
{
	long number = -1;
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld", &number), 1);
	fclose(file);
	return number;
}

int linux_is_at_least(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned has_major, has_minor;
	ck_assert_int_eq(uname(&name), 0);
	ck_assert_int_eq(sscanf(name.release, "%u.%u", &has_major, &has_minor), 2);
	return has_major > major || (has_major == major && has_minor >= minor);
}

int64_t clock_ns(clockid_t id)
{
	struct timespec ts;
	ck_assert_int_eq(clock_gettime(id, &ts), 0);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int poll_in(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ck_assert_int_ge(poll(&pfd, 1, ms), 0);
	return pfd.revents;
}

static void setup(void)
{
	fault_clear();
	fds_before = count_fds();
}

static void teardown(void)
{
	fault_clear();
	remove_scratch();
	for (n_paths = 0; n_paths < sizeof(paths) / sizeof(paths[0]); n_paths++) {
		free(paths[n_paths]);
		paths[n_paths] = NULL;
	}
	ck_assert_msg(count_fds() == fds_before, "the test leaked a file descriptor");
}

static TCase *add_case(Suite *suite, const char *title)
{
	TCase *tc = tcase_create(title);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

int main(void)
{
	SRunner *runner = srunner_create(NULL);
	skipped = mmap(NULL, sizeof(*skipped), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skipped == MAP_FAILED)
		return 2;
	for (struct suite *s = suites; s; s = s->next) {
		Suite *suite = suite_create(s->title);
		TCase *raw = add_case(suite, "raw");
		tcase_set_tags(raw, "raw");
		s->fill(add_case(suite, s->title), raw);
		srunner_add_suite(runner, suite);
	}
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
	srunner_free(runner);
	printf("%d passed, %d failed, %u skipped\n", run - failed - (int)*skipped, failed, *skipped);
	return failed > 0;
}
