/* SPDX-License-Identifier: MIT */
/* Programs that tests start and look at. */
#ifndef RUN_H
#define RUN_H

#include <butter/process.h>

#include "test.h"

/* An argv of these words. */
#define ARGV(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})

/* A struct butter_spawn of path, its arguments, and designated members. */
#define SPAWN(path_, argv_, ...)                                                                             \
	(&(struct butter_spawn){                                                                             \
		.size = sizeof(struct butter_spawn), .path = path_, .argv = argv_, __VA_ARGS__})

struct result {
	struct butter_process_event ev;
	char text[16384]; /* what it wrote to its standard output */
};

/* Starts it with a pipe for its standard output, reads that to its end, and waits for the process. */
void run(const struct butter_spawn *how, struct result *ret);

/* The same for what has to end with this exit status; the text lives until the next call. */
const char *output_of(const struct butter_spawn *how, int status);

/* Waits for the event and closes the object. */
struct butter_process_event end_of(struct butter_process *x);

/* One that runs until it is killed, and one that ends with this status. */
struct butter_process *sleeper(void);
struct butter_process *exiting(const char *status);

/* There is no child of the caller's, alive or dead. */
void assert_no_child(void);

#endif
