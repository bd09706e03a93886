// SPDX-License-Identifier: MIT
#include "server/doctor_user.h"

#include "server/privileges.h"
#include "server/upstream_address.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// Who we are now, for messages.
static const char *who(void) {
    struct passwd *user = getpwuid(geteuid());
    return user != NULL ? user->pw_name : "this user";
}

// The first folder on the way to `path` that may not be entered, into `folder`; false: there is
// none.
static bool find_barrier(const char *path, char folder[PATH_MAX]) {
    for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        int n = snprintf(folder, PATH_MAX, "%.*s", (int)(slash - path), path);
        if (n >= PATH_MAX || eaccess(folder, X_OK) != 0) {
            return n < PATH_MAX;
        }
    }
    return false;
}

static void tell_barrier(struct doctor *d, struct span site, const char *path) {
    char folder[PATH_MAX];
    int why = errno;
    if (find_barrier(path, folder)) {
        doctor_tell(d, DOCTOR_WARNING,
                    "site \"%.*s\": %s may not enter %s, so all of its files are 404: chmod o+x "
                    "%s, or: setfacl -m u:%s:x %s",
                    SPAN_ARG(site), who(), folder, folder, who(), folder);
    } else {
        doctor_tell(d, DOCTOR_WARNING,
                    "site \"%.*s\": %s may not read %s: %s; chmod o+rX %s, or: setfacl -m u:%s:rX "
                    "%s",
                    SPAN_ARG(site), who(), path, strerror(why), path, who(), path);
    }
}

static void look_at_roots(struct doctor *d) {
    for (size_t i = 0; i < d->config->sites_n; i++) {
        const struct site *s = &d->config->sites[i];
        char root[PATH_MAX];
        int n = snprintf(root, sizeof root, "%.*s/", SPAN_ARG(s->root));
        if (s->root.n == 0 || n >= PATH_MAX) {
            continue;
        }
        if (eaccess(root, R_OK | X_OK) != 0) {
            tell_barrier(d, s->name, root);
        } else if (s->front.path.n > 0 && s->must_check &&
                   eaccess((const char *)s->front.file.p, R_OK) != 0 && errno == EACCES) {
            tell_barrier(d, s->name, (const char *)s->front.file.p);
        }
    }
}

static const char *socket_cure(int why) {
    return why == EACCES ? "; in the pool file of PHP-FPM write listen.group = the group of this "
                           "user, and listen.mode = 0660"
           : why == ENOENT || why == ECONNREFUSED
               ? "; start PHP-FPM, and compare with listen = in its pool file"
               : "";
}

static void look_at_server(struct doctor *d, const struct pool_conf *pool,
                           const struct pool_server_conf *server) {
    struct upstream_address at;
    memset(&at, 0, sizeof at);
    if (!server->is_unix || upstream_address_resolve(server, &at) != 0) {
        return; // over TCP it may be a machine that starts later
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &at.to.any, at.len) != 0 && errno != EAGAIN) {
        int why = errno;
        doctor_tell(d, DOCTOR_WARNING,
                    "pool \"%.*s\": %s cannot connect to %.*s, so all pages are 502: %s%s",
                    SPAN_ARG(pool->name), who(), SPAN_ARG(server->address), strerror(why),
                    socket_cure(why));
    }
    if (fd >= 0) {
        close(fd);
    }
}

static bool is_spawned(const struct config *config, size_t pool) {
    for (size_t i = 0; i < config->spawns_n; i++) {
        if (config->spawns[i].pool == pool) {
            return true;
        }
    }
    return false;
}

static void look_at_pools(struct doctor *d) {
    for (size_t i = 0; i < d->config->pools_n; i++) {
        const struct pool_conf *pool = &d->config->pools[i];
        for (size_t k = 0; k < pool->server_count && !is_spawned(d->config, i); k++) {
            look_at_server(d, pool, &pool->servers[k]);
        }
    }
}

// The folder of a path, into `folder`. False: it is too long.
static bool folder_of(struct span path, char folder[PATH_MAX]) {
    size_t n = path.n;
    while (n > 1 && path.p[n - 1] != '/') {
        n--;
    }
    return snprintf(folder, PATH_MAX, "%.*s", (int)n, (const char *)path.p) < PATH_MAX;
}

// SQLite makes files beside the store.
static void look_at_store(struct doctor *d) {
    char folder[PATH_MAX];
    struct span path = d->config->store_path;
    if (path.n == 0 || !folder_of(path, folder)) {
        return;
    }
    bool is_there = eaccess((const char *)path.p, F_OK) == 0;
    if (eaccess(folder, W_OK | X_OK) != 0 ||
        (is_there && eaccess((const char *)path.p, R_OK | W_OK) != 0)) {
        int why = errno;
        doctor_tell(
            d, DOCTOR_WARNING,
            "store %.*s: %s may not write it or its folder (%s), so nothing is kept over "
            "a restart: install -d -o %s %s, or write StateDirectory=outrider into the unit",
            SPAN_ARG(path), who(), strerror(why), who(), folder);
    }
}

static void look_at_temporary(struct doctor *d) {
    const char *folder = (const char *)d->config->temp.p;
    if (eaccess(folder, W_OK | X_OK) != 0) {
        int why = errno;
        doctor_tell(d, DOCTOR_WARNING,
                    "temp %s: %s may not write there (%s), so bodies that do not fit into memory "
                    "fail: chown %s %s, or name another folder",
                    folder, who(), strerror(why), who(), folder);
    }
}

void doctor_user_look(struct doctor *d, bool must_become) {
    static void (*const looks[])(struct doctor *) = {look_at_roots, look_at_pools, look_at_store,
                                                     look_at_temporary};
    if (must_become && privileges_drop(d->config->user) != 0) {
        return; // told
    }
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        looks[i](d);
    }
}
