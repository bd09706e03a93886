// SPDX-License-Identifier: MIT
#include "server/privileges.h"

#include "base/error.h"
#include "server/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int become(const char *name) {
    struct passwd *user = getpwnam(name);
    if (user == NULL) {
        log_line(LOG_ERROR, "user: there is no user \"%s\"", name);
        return ERR_CONFIG;
    }
    if (geteuid() != 0) {
        if (geteuid() == user->pw_uid) {
            return 0;
        }
        log_line(LOG_WARN, "user: only root can become \"%s\"; staying the user that we are", name);
        return 0;
    }
    if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0) {
        log_line(LOG_ERROR, "user: cannot become \"%s\": %s", name, strerror(errno));
        return ERR_CONFIG;
    }
    return 0;
}

int privileges_drop(struct span user) {
    int err = user.n > 0 ? become((const char *)user.p) : 0;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return err;
}

unsigned privileges_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1u << 20 ? 1u << 20 : (unsigned)limit.rlim_cur;
}
