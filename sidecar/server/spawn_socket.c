// SPDX-License-Identifier: MIT
#include "server/spawn_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "fastcgi.sock"

static int bind_and_listen(const struct spawn_socket *s) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, s->path, sizeof at.sun_path);
    mode_t mask = umask(0177);
    int bound = bind(s->fd, (struct sockaddr *)&at, sizeof at);
    int why = errno;
    umask(mask);
    errno = why;
    return bound < 0 || listen(s->fd, SOMAXCONN) < 0 ? -1 : 0;
}

// The directory last, since its owner may rename what is in it.
static int give(const struct spawn_socket *s, const struct passwd *user) {
    int err = fchownat(s->folder_fd, NAME, user->pw_uid, user->pw_gid, AT_SYMLINK_NOFOLLOW);
    return err < 0 ? err : fchown(s->folder_fd, user->pw_uid, user->pw_gid);
}

// The directory of which s->path is to be.
static int make_folder(struct spawn_socket *s) {
    const char *parent = getenv("TMPDIR");
    int n = snprintf(s->path, sizeof s->path, "%s/outrider-XXXXXX",
                     parent != NULL && parent[0] == '/' ? parent : "/tmp");
    if ((size_t)n + sizeof "/" NAME > sizeof s->path) {
        s->path[0] = 0;
        errno = ENAMETOOLONG;
        return -1;
    }
    if (mkdtemp(s->path) == NULL) {
        s->path[0] = 0;
        return -1;
    }
    s->folder_fd = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    memcpy(s->path + n, "/" NAME, sizeof "/" NAME);
    return s->folder_fd;
}

int spawn_socket_open(struct spawn_socket *s, const struct passwd *user) {
    *s = (struct spawn_socket){.folder_fd = -1};
    // Not O_NONBLOCK, which the programs would inherit: php-cgi waits in accept.
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || make_folder(s) < 0 || bind_and_listen(s) < 0) {
        return -1;
    }
    return user != NULL ? give(s, user) : 0;
}

void spawn_socket_close(struct spawn_socket *s) {
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
}

void spawn_socket_remove(struct spawn_socket *s) {
    spawn_socket_close(s);
    if (s->folder_fd >= 0) {
        unlinkat(s->folder_fd, NAME, 0);
        close(s->folder_fd);
        s->folder_fd = -1;
    }
    if (s->path[0] != 0) {
        *strrchr(s->path, '/') = 0; // a directory that is empty now, or not ours
        rmdir(s->path);
        s->path[0] = 0;
    }
}
