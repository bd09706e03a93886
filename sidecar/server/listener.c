// SPDX-License-Identifier: MIT
#include "server/listener.h"

#include "base/error.h"
#include "server/inherited.h"
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// Bytes that the kernel takes of an answer beyond those on their way to the client. What waits
// there can no longer be overtaken by a more urgent answer.
#define NOTSENT_MOST (128 << 10)

static int failed(const struct listen_conf *conf, const char *why) {
    log_line(LOG_ERROR, "cannot listen on %.*s: %s", SPAN_ARG(conf->text), why);
    return ERR_LISTEN;
}

// A socket left behind by a process that is gone refuses connections.
static bool is_stale(const struct sockaddr_un *to) {
    struct stat st;
    if (lstat(to->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return refused;
}

// A group is named so that it may connect.
static mode_t unix_mask(const struct listen_conf *conf) {
    mode_t mode = conf->mode != 0 ? conf->mode : conf->group.n > 0 ? 0660 : 0600;
    return ~mode & 0777;
}

// Only root can give a file to somebody else; a group, whoever is in it. -1 with errno.
static int give_away(const struct listen_conf *conf, const char *path) {
    uid_t owner = (uid_t)-1;
    gid_t group = (gid_t)-1;
    if (conf->owner.n > 0 && geteuid() == 0) {
        const struct passwd *user = getpwnam((const char *)conf->owner.p);
        if (user == NULL) {
            log_line(LOG_ERROR, "owner: there is no user \"%s\"", (const char *)conf->owner.p);
            errno = EINVAL;
            return -1;
        }
        owner = user->pw_uid;
    }
    if (conf->group.n > 0) {
        const struct group *found = getgrnam((const char *)conf->group.p);
        if (found == NULL) {
            log_line(LOG_ERROR, "group: there is no group \"%s\"", (const char *)conf->group.p);
            errno = EINVAL;
            return -1;
        }
        group = found->gr_gid;
    }
    return owner == (uid_t)-1 && group == (gid_t)-1 ? 0 : chown(path, owner, group);
}

// The same socket for all from `got` on: a unix socket, or one that another program has made.
static void share(int *fds, unsigned got, unsigned n) {
    for (unsigned i = got; i < n; i++) {
        fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    }
}

static int bind_unix(const struct listen_conf *conf, int *fds, unsigned n) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (conf->path.n >= sizeof to.sun_path) {
        return failed(conf, "the path is too long for a unix socket");
    }
    memcpy(to.sun_path, conf->path.p, conf->path.n);
    unsigned got = inherited_take((struct sockaddr *)&to, sizeof to, fds, n);
    if (got > 0) {
        share(fds, got, n);
        return 0;
    }
    if (is_stale(&to)) {
        unlink(to.sun_path);
    }
    fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(unix_mask(conf));
    int err = fds[0] < 0 ? -1 : bind(fds[0], (struct sockaddr *)&to, sizeof to);
    int why = errno;
    umask(mask);
    if (err == 0 && give_away(conf, to.sun_path) != 0) {
        why = errno;
        unlink(to.sun_path);
        err = -1;
    }
    if (err != 0) {
        if (fds[0] >= 0) {
            close(fds[0]);
        }
        return failed(conf, strerror(why));
    }
    share(fds, 1, n);
    return 0;
}

static void set_port(struct sockaddr_storage *to, uint16_t port) {
    if (to->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)to)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)to)->sin_port = htons(port);
    }
}

static uint16_t bound_port(int fd) {
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return 0;
    }
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

// Of several addresses of a name the IPv4 one: what "localhost" means to most programs.
static int resolve(const struct listen_conf *conf, struct sockaddr_storage *to, socklen_t *len) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int err = getaddrinfo((const char *)conf->host.p, NULL, &hints, &found);
    if (err != 0) {
        return failed(conf, gai_strerror(err));
    }
    struct addrinfo *best = found;
    if (best == NULL) {
        return failed(conf, "no address");
    }
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (a->ai_family == AF_INET) {
            best = a;
            break;
        }
    }
    memcpy(to, best->ai_addr, best->ai_addrlen);
    *len = best->ai_addrlen;
    freeaddrinfo(found);
    set_port(to, conf->port);
    return 0;
}

// What connections that are accepted inherit.
static void set_options(int fd) {
    int most = NOTSENT_MOST;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
}

static int bind_one(const struct sockaddr_storage *to, socklen_t len) {
    int on = 1;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    set_options(fd);
    if (to->ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)to, len) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

// SO_REUSEPORT would let a second server of the same user share a port that is in use; nobody means
// that, so the first socket is tried without it.
static bool is_taken(const struct sockaddr_storage *to, socklen_t len) {
    int on = 1;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (to->ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    bool taken = bind(fd, (const struct sockaddr *)to, len) != 0 && errno == EADDRINUSE;
    close(fd);
    return taken;
}

// The sockets that were there when we began, and as many more as are wanted. False: there were
// none.
static bool take_inherited(const struct sockaddr_storage *to, socklen_t len, int *fds, unsigned n,
                           uint16_t *port) {
    unsigned got = inherited_take((const struct sockaddr *)to, len, fds, n);
    struct sockaddr_storage at = *to;
    if (got == 0) {
        return false;
    }
    *port = bound_port(fds[0]);
    set_port(&at, *port);
    for (unsigned i = 0; i < got; i++) {
        set_options(fds[i]);
    }
    while (got < n && (fds[got] = bind_one(&at, len)) >= 0) {
        got++;
    }
    share(fds, got, n); // whoever made it did not mean others to be bound beside it
    return true;
}

static int bind_tcp(const struct listen_conf *conf, int *fds, unsigned n, uint16_t *port) {
    struct sockaddr_storage to = {0};
    socklen_t len = 0;
    int err = resolve(conf, &to, &len);
    if (err != 0) {
        return err;
    }
    if (take_inherited(&to, len, fds, n, port)) {
        return 0;
    }
    if (conf->port != 0 && is_taken(&to, len)) {
        return failed(conf, strerror(EADDRINUSE));
    }
    for (unsigned i = 0; i < n; i++) {
        fds[i] = bind_one(&to, len);
        if (fds[i] < 0) {
            int why = errno;
            while (i-- > 0) {
                close(fds[i]);
            }
            return failed(conf, strerror(why));
        }
        if (i == 0) {
            *port = bound_port(fds[0]);
            set_port(&to, *port);
        }
    }
    return 0;
}

int listener_bind(const struct listen_conf *conf, int *fds, unsigned n, uint16_t *port) {
    *port = 0;
    return conf->path.n > 0 ? bind_unix(conf, fds, n) : bind_tcp(conf, fds, n, port);
}

static int try_unix(const struct listen_conf *conf) {
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t n = conf->path.n;
    while (n > 1 && conf->path.p[n - 1] != '/') {
        n--;
    }
    if (conf->path.n >= sizeof folder) {
        return ENAMETOOLONG;
    }
    snprintf(folder, sizeof folder, "%.*s", (int)n, (const char *)conf->path.p);
    return eaccess(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

int listener_try(const struct listen_conf *conf) {
    struct sockaddr_storage to = {0};
    socklen_t len = 0;
    if (conf->path.n > 0) {
        return try_unix(conf);
    }
    if (resolve(conf, &to, &len) != 0) {
        return EADDRNOTAVAIL;
    }
    int fd = bind_one(&to, len), why = errno;
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 ? 0 : why;
}

const char *listener_url(const struct listen_conf *conf, uint16_t port, char *out, size_t out_len) {
    if (conf->path.n > 0) {
        snprintf(out, out_len, "unix:%.*s", SPAN_ARG(conf->path));
        return out;
    }
    bool is_v6 = span_index(conf->host, ':') < conf->host.n;
    snprintf(out, out_len, "%s://%s%.*s%s:%u", conf->tls ? "https" : "http", is_v6 ? "[" : "",
             SPAN_ARG(conf->host), is_v6 ? "]" : "", port);
    return out;
}
