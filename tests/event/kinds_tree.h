/* SPDX-License-Identifier: MIT */
/* What the table of kinds has of the tree. */
#ifndef KINDS_TREE_H
#define KINDS_TREE_H

#include "kinds.h"

struct butter_source *open_watcher(void);
void fire_tree(struct butter_source *source);
int sync_tree(struct butter_source *source);
int pause_and_resume(struct butter_source *source);
int add_and_remove(struct butter_source *source);
int tell_of_backend(struct butter_source *source);
int get_and_dump(struct butter_source *source);

/* kinds.c: a folder with a file, and one more name of that. */
const char *watched_folder(void);
void make_name_in(const char *folder, int is_short_lived);

#endif
