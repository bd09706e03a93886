// SPDX-License-Identifier: MIT
// The cgroups (version 2) in which the kernel enforces limits, below a directory that was handed
// over to us: by systemd with Delegate=, or named by --cgroup. A process may be in a cgroup without
// others below it only, so where we are in the directory we move into one of our own.
//
//     DIR/              the controllers are enabled for what is below
//     DIR/bridge/       we and our workers, if we were in DIR
//     DIR/request-N/    what one worker runs (leaf.h): memory.max, pids.max
//
// Each controller is used if the kernel lets us, and only then. What another bridge, one that was
// killed, left empty is taken over or removed; where something still runs it is left alone.
#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include "runner/leaf.h"

#include <limits.h>
#include <stddef.h>

struct cgroup_conf {
    const char *dir;       // of --cgroup: "auto", "none" or a directory
    const char *proc;      // where "auto" looks for our own: /proc/self
    uint64_t most[LIMITS]; // 0: no limit
    size_t leaves;
    uid_t user; // who will run the programs
    gid_t group;
};

struct cgroup {
    const struct cgroup_conf *conf;
    int dir;                  // -1: no limit is the kernel's
    bool has[LIMITS];         // this one is
    char lacks[LIMITS][192];  // why one that is wanted is not
    char why[192];            // of a failure
    bool has_enabled[LIMITS]; // the controller; it was not before
    bool has_moved;           // into DIR/bridge
    unsigned *numbers;        // of the leaves' names
    size_t n;                 // of leaves
    char path[PATH_MAX];
};

// Prepares the cgroups. As root it gives to the user what starting programs in them takes, and not
// the limits. Borrows conf. 0, also when no limit can be enforced; -1 with why filled when a
// directory that was named is no cgroup.
int cgroup_open(struct cgroup *c, const struct cgroup_conf *conf);
// Tries, as the user that it now is, whether a process can be started in a leaf and limits can be
// asked about. Before signals are handled.
void cgroup_prove(struct cgroup *c);
// Removes what may be removed, and frees. Idempotent.
void cgroup_close(struct cgroup *c);
// Opens the leaf of that worker; one without a directory where no limit is the kernel's.
void cgroup_leaf(const struct cgroup *c, size_t i, struct leaf *leaf);

#endif
