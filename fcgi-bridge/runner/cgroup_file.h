// SPDX-License-Identifier: MIT
// The files of a cgroup (version 2), by which the kernel is told and asked. dir: the descriptor of
// the cgroup's directory.
#ifndef RUNNER_CGROUP_FILE_H
#define RUNNER_CGROUP_FILE_H

#include <stdbool.h>
#include <stdint.h>

// Writes the text in one piece. 0, or -errno: what the kernel says of it.
int cgroup_file_put(int dir, const char *file, const char *text);
// Whether one of the file's words, which white space separates, is this one.
bool cgroup_file_has(int dir, const char *file, const char *word);
// Reads the number of the line that begins with the key. False when there is none.
bool cgroup_file_number(int dir, const char *file, const char *key, uint64_t *number);

#endif
