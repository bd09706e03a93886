// SPDX-License-Identifier: MIT
#include "server/opener.h"

#include "base/error.h"
#include "config/certificates.h"
#include "server/log.h"
#include "server/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_MOST 4096 // bytes of a request: the way and the path
#define LOG_MODE 0640  // of an access log that is made
#define FLAGS (O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define LOG_FLAGS (FLAGS | O_WRONLY | O_APPEND | O_CREAT)

// The ways to open a file: the first byte of a request.
enum { READ = 'r', APPEND = 'a' };

static struct {
    pthread_mutex_t lock; // a question and its answer belong together
    int fd;               // -1: there is no opener
    bool is_lent;
} asked = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

// Whom access logs are for that root makes; uid 0: root.
static struct {
    uid_t uid;
    gid_t gid;
} owner;

static int open_log_as_user(const char *path) {
    setfsgid(owner.gid); // of this thread alone
    setfsuid(owner.uid);
    int fd = open(path, LOG_FLAGS, LOG_MODE), err = errno;
    setfsuid(0);
    setfsgid(0);
    errno = err;
    return fd;
}

static int open_log_as_root(const char *path) {
    int fd = trusted_path_open(path, LOG_FLAGS, LOG_MODE, 0);
    struct stat st;
    bool is_roots =
        fd >= 0 && owner.uid != 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0;
    if (is_roots && fchown(fd, owner.uid, (gid_t)-1) != 0) {
        log_line(LOG_WARN, "%s cannot be given to the user: %s", path, strerror(errno));
    }
    return fd;
}

// Root makes no file where the user could have put a link to another: there the user has to.
static int open_log(const char *path) {
    if (geteuid() != 0 || owner.uid == 0) {
        return open(path, LOG_FLAGS, LOG_MODE);
    }
    int fd = open_log_as_user(path);
    return fd < 0 && errno == EACCES ? open_log_as_root(path) : fd;
}

// ---- the process --------------------------------------------------------------------------------

static bool is_key(const struct config *c, struct span path) {
    struct span named;
    for (size_t i = 0; i < c->sites_n; i++) {
        for (size_t k = 0; certificates_file(&c->sites[i], k, &named); k++) {
            if (span_eq(path, named)) {
                return true;
            }
        }
    }
    return path.n > 0 && span_eq(path, c->ticket_keys);
}

static bool is_log(const struct config *c, struct span path) {
    for (size_t i = 0; i < c->access_logs_n; i++) {
        if (span_eq(path, c->access_logs[i])) {
            return true;
        }
    }
    return false;
}

static bool is_named(const struct config *c, char how, struct span path) {
    return path.n > 0 && (how == READ ? is_key(c, path) : how == APPEND && is_log(c, path));
}

// Whoever may write the configuration, or put another in its place, could have any file opened.
static bool is_believed(const char *path) {
    int fd = path != NULL ? trusted_path_open(path, FLAGS | O_RDONLY, 0, 0) : -1;
    struct stat st;
    bool is =
        fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is;
}

static bool is_named_now(const struct server_source *source, char how, struct span path) {
    struct config now;
    struct config_errors errors;
    if (!is_believed(source->path)) {
        return false;
    }
    config_errors_init(&errors);
    bool is = source->load(source->self, &now, &errors) == 0 && is_named(&now, how, path);
    config_errors_fini(&errors);
    config_fini(&now);
    return is;
}

// `fd` -1: errno instead.
static void answer(int to, int fd, int err) {
    char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec io = {&err, sizeof err};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
    if (fd >= 0) {
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    sendmsg(to, &m, MSG_NOSIGNAL);
}

static int refuse(void) {
    errno = EACCES;
    return -1;
}

static int open_named(char how, const char *path) {
    int fd = how == READ ? trusted_path_open(path, FLAGS | O_RDONLY, 0, 0) : open_log(path);
    static bool is_told;
    if (fd < 0 && errno == EPERM && !is_told) {
        is_told = true;
        log_line(LOG_WARN,
                 "%s is not opened with root's rights: others than root may write a folder on the "
                 "way to it",
                 path);
    }
    return fd;
}

static void serve(int fd, const struct config *config, const struct server_source *source) {
    char request[PATH_MOST + 1];
    ssize_t n;
    while ((n = recv(fd, request, PATH_MOST, 0)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 2) {
            continue;
        }
        request[n] = 0;
        struct span path = span_of(request + 1, (size_t)n - 1);
        bool may = is_named(config, request[0], path) || is_named_now(source, request[0], path);
        int opened = may ? open_named(request[0], request + 1) : refuse();
        answer(fd, opened, errno);
        if (opened >= 0) {
            close(opened);
        }
    }
}

static void become_opener(void) {
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        signal(ignored[i], SIG_IGN); // it ends when the server has
    }
    prctl(PR_SET_NAME, "outrider-open");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// ---- the server ---------------------------------------------------------------------------------

static bool take_over(void) {
    const char *text = getenv(OPENER_SOCKET);
    asked.fd = text != NULL ? (int)strtol(text, NULL, 10) : -1;
    unsetenv(OPENER_SOCKET);
    return asked.fd >= 0 && fcntl(asked.fd, F_SETFD, FD_CLOEXEC) == 0;
}

int opener_start(const struct config *config, const struct server_source *source) {
    int ends[2];
    const struct passwd *user =
        config->user.n > 0 && geteuid() == 0 ? getpwnam((const char *)config->user.p) : NULL;
    owner.uid = user != NULL ? user->pw_uid : 0;
    owner.gid = user != NULL ? user->pw_gid : 0;
    if (take_over() || owner.uid == 0) {
        return 0;
    }
    pid_t pid = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || (pid = fork()) < 0) {
        log_line(LOG_ERROR, "cannot start the process that opens files: %s", strerror(errno));
        return ERR_CONFIG;
    }
    if (pid == 0) {
        close(ends[0]);
        become_opener();
        serve(ends[1], config, source);
        _exit(0);
    }
    close(ends[1]);
    asked.fd = ends[0];
    return 0;
}

static int take_answer(int from) {
    int err = EIO, fd = -1;
    char control[CMSG_SPACE(sizeof fd)];
    struct iovec io = {&err, sizeof err};
    struct msghdr m = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    }
    errno = n > 0 ? err : EIO;
    return fd;
}

static int ask(char how, const char *path) {
    char request[PATH_MOST];
    int n = snprintf(request, sizeof request, "%c%s", how, path), fd = -1;
    if (n >= (int)sizeof request) {
        errno = ENAMETOOLONG;
        return -1;
    }
    pthread_mutex_lock(&asked.lock);
    errno = EACCES;
    if (!asked.is_lent && send(asked.fd, request, (size_t)n, MSG_NOSIGNAL) == n) {
        fd = take_answer(asked.fd);
    }
    pthread_mutex_unlock(&asked.lock);
    return fd;
}

// Only what is not ours to open is asked for.
static int open_or_ask(char how, const char *path) {
    int fd = how == READ ? open(path, FLAGS | O_RDONLY) : open_log(path);
    return fd < 0 && errno == EACCES && asked.fd >= 0 ? ask(how, path) : fd;
}

int opener_lend(void) {
    pthread_mutex_lock(&asked.lock);
    asked.is_lent = true;
    pthread_mutex_unlock(&asked.lock);
    return asked.fd;
}

void opener_take_back(void) {
    pthread_mutex_lock(&asked.lock);
    asked.is_lent = false;
    pthread_mutex_unlock(&asked.lock);
}

int opener_read(const char *path) {
    return open_or_ask(READ, path);
}

int opener_append(const char *path) {
    return open_or_ask(APPEND, path);
}
