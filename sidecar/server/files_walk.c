// SPDX-License-Identifier: MIT
#include "server/files_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MOST 16 // on one way
#define OPEN (O_PATH | O_NOFOLLOW | O_CLOEXEC)

// A link whose end has not been reached yet: it is when no more than `left` bytes of the way are.
struct link {
    uid_t owner;
    size_t left;
};

struct walk {
    const struct files_walk_from *from;
    int at;             // where the way has led so far; never from->root itself
    size_t next;        // the rest of the way begins here
    char way[PATH_MAX]; // written from its end to its beginning; zero-terminated
    struct link open[LINKS_MOST];
    unsigned open_n, links;
};

static int fail(int error) {
    errno = error;
    return -1;
}

static size_t left(const struct walk *w) {
    return sizeof w->way - 1 - w->next;
}

// Puts `n` bytes before the rest of the way.
static bool put(struct walk *w, const char *text, size_t n) {
    if (n > w->next) {
        return false;
    }
    w->next -= n;
    memcpy(w->way + w->next, text, n);
    return true;
}

static int move(struct walk *w, int fd) {
    if (fd >= 0) {
        close(w->at);
        w->at = fd;
    }
    return fd < 0 ? -1 : 0;
}

// Takes the next name off the way. Empty at its end.
static size_t take_name(struct walk *w, char name[NAME_MAX + 1]) {
    size_t n = 0;
    while (w->way[w->next] == '/') {
        w->next++;
    }
    while (w->way[w->next + n] != 0 && w->way[w->next + n] != '/') {
        n++;
    }
    if (n <= NAME_MAX) {
        memcpy(name, w->way + w->next, n);
        name[n] = 0;
    }
    w->next += n;
    return n;
}

// ---- links --------------------------------------------------------------------------------------

// Whether the place lies below the folder that holds the root.
static bool is_near(const struct walk *w) {
    char link[32], text[PATH_MAX];
    struct span above = w->from->above;
    if (above.n == 0) {
        return false;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", w->at);
    ssize_t n = readlink(link, text, sizeof text);
    struct span place = span_of(text, n > 0 ? (size_t)n : 0);
    return place.n > above.n && span_has_prefix(place, above) && text[above.n] == '/';
}

static bool is_good(const struct walk *w, uid_t owner) {
    struct stat st;
    return owner == 0 || (fstat(w->at, &st) == 0 && st.st_uid == owner) ||
           (owner == w->from->owner && is_near(w));
}

// Judges the links whose ends have been reached.
static int judge(struct walk *w) {
    while (w->open_n > 0 && left(w) <= w->open[w->open_n - 1].left) {
        if (!is_good(w, w->open[--w->open_n].owner)) {
            return fail(EXDEV);
        }
    }
    return 0;
}

// Goes on where the link leads to.
static int follow(struct walk *w, int link, uid_t owner) {
    char to[PATH_MAX];
    ssize_t got = readlinkat(link, "", to, sizeof to);
    size_t n = got > 0 ? (size_t)got : 0;
    if (n == 0 || n == sizeof to || ++w->links > LINKS_MOST) {
        return fail(ELOOP);
    }
    bool is_absolute = to[0] == '/';
    while (n > 0 && to[n - 1] == '/') {
        n--; // the way must be as long behind the link as it was
    }
    w->open[w->open_n++] = (struct link){owner, left(w)};
    if (!put(w, to, n)) {
        return fail(ENAMETOOLONG);
    }
    return is_absolute ? move(w, open("/", OPEN | O_DIRECTORY)) : 0;
}

static int step(struct walk *w, const char *name) {
    struct stat st;
    int fd = openat(w->at, name, OPEN);
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
        int rv = follow(w, fd, st.st_uid), error = errno;
        close(fd);
        errno = error;
        return rv;
    }
    return move(w, fd);
}

// ---- the way ------------------------------------------------------------------------------------

static int walk(struct walk *w) {
    char name[NAME_MAX + 1];
    for (;;) {
        if (judge(w) != 0) {
            return -1;
        }
        size_t n = take_name(w, name);
        if (n > NAME_MAX) {
            return fail(ENAMETOOLONG);
        }
        if (n == 0) {
            return judge(w);
        }
        if (step(w, name) != 0) {
            return -1;
        }
    }
}

int files_walk_open(const struct files_walk_from *from, const char *path, int flags) {
    struct walk w = {.from = from, .next = sizeof w.way - 1};
    char link[32];
    w.at = openat(from->root, ".", OPEN | O_DIRECTORY);
    if (w.at < 0) {
        return -1;
    }
    if (!put(&w, path, strlen(path))) {
        close(w.at);
        return fail(ENAMETOOLONG);
    }
    if (walk(&w) != 0) {
        int error = errno;
        close(w.at);
        return fail(error);
    }
    if ((flags & O_PATH) != 0) {
        return w.at;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", w.at);
    int fd = open(link, flags | O_CLOEXEC), error = errno;
    close(w.at);
    errno = error;
    return fd;
}
