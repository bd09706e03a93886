// SPDX-License-Identifier: MIT
// Where the cgroup (version 2) of this process is in the file system.
#ifndef RUNNER_CGROUP_PATH_H
#define RUNNER_CGROUP_PATH_H

#include <limits.h>

// proc: the directory that tells of the process, /proc/self. 0, or -1 when version 2 is not mounted
// or the mount does not show the process's cgroup.
int cgroup_path_find(char path[PATH_MAX], const char *proc);

#endif
