// SPDX-License-Identifier: MIT
#include "server/files.h"

#include "base/date.h"
#include "base/error.h"
#include "base/siphash.h"
#include "http/condition.h"
#include "http/mime.h"
#include "http/range.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRESH_MS 1000            // how long a look-up is believed
#define SLOTS 4096               // of the table; a power of two
#define ENTRIES_MOST 4096        // look-ups remembered
#define CONTENT_MOST (64u << 10) // bytes of a file whose content is remembered
#define BYTES_MOST (32u << 20)   // of all contents remembered
#define CHUNK (64u << 10)        // bytes read at a time of a larger file

struct file {
    struct file *next;  // in its slot
    struct list recent; // in files->recent
    uint64_t hash, checked_ms;
    enum file_kind kind;
    struct file_info info;
    ino_t inode;
    dev_t device;
    struct timespec changed; // content, name or mode: also what leaves mtime as it was
    int fd;                  // of a larger file that is being sent, or -1
    uint8_t *content;
    unsigned users;  // responses under way
    bool is_dropped; // out of the table; freed with the last user
    char etag[40], modified[DATE_LEN], len[24];
    uint8_t etag_n, len_n;
    size_t path_n;
    char path[]; // zero-terminated
};

struct files_root {
    struct span path;
    int fd;
    uint64_t opened_ms;
};

// ---- the disk -----------------------------------------------------------------------------------

// The root that holds the path, and what follows it. Roots are few; the longest match counts.
static struct files_root *find_root(const struct files *f, struct span path, const char **rest) {
    struct files_root *best = NULL;
    for (size_t i = 0; i < f->roots_n; i++) {
        struct files_root *r = &f->roots[i];
        bool is_longer = best == NULL || r->path.n > best->path.n;
        if (is_longer && span_has_prefix(path, r->path) && path.p[r->path.n] == '/') {
            best = r;
        }
    }
    if (best != NULL) {
        const char *p = (const char *)path.p + best->path.n;
        while (*p == '/') {
            p++;
        }
        *rest = *p != 0 ? p : ".";
    }
    return best;
}

// A root is opened anew when it has not been for a second: another folder may have taken its name,
// or it may not have been there at the start.
static void open_root(const struct files *f, struct files_root *root) {
    uint64_t now_ms = loop_now_ms(f->loop);
    if (root->opened_ms != 0 && now_ms - root->opened_ms < FRESH_MS) {
        return;
    }
    if (root->fd >= 0) {
        close(root->fd);
    }
    root->fd = open((const char *)root->path.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
    root->opened_ms = now_ms;
}

// Opens below the root: neither ".." nor a symbolic link leads out of it, whatever changes between
// the look and the opening.
static int open_beneath(const struct files *f, struct span path, uint64_t flags) {
    const char *rest = NULL;
    struct files_root *root = find_root(f, path, &rest);
    if (root == NULL) {
        errno = EXDEV;
        return -1;
    }
    open_root(f, root);
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root->fd, rest, &how, sizeof how);
}

static void describe(struct file *file, const struct stat *st) {
    file->info = (struct file_info){.len = (uint64_t)st->st_size,
                                    .mtime_s = st->st_mtim.tv_sec,
                                    .mtime_ns = (uint32_t)st->st_mtim.tv_nsec};
    file->inode = st->st_ino;
    file->device = st->st_dev;
    file->changed = st->st_ctim;
    file->etag_n = (uint8_t)snprintf(
        file->etag, sizeof file->etag, "\"%" PRIx64 "-%" PRIx64 "\"", file->info.len,
        (uint64_t)st->st_mtim.tv_sec * 1000000 + (uint64_t)st->st_mtim.tv_nsec / 1000);
    file->len_n = (uint8_t)snprintf(file->len, sizeof file->len, "%" PRIu64, file->info.len);
    date_format(file->info.mtime_s, file->modified);
}

static void look(const struct files *f, struct file *file) {
    struct stat st;
    file->kind = FILE_NONE;
    int fd = open_beneath(f, span_of(file->path, file->path_n), O_PATH);
    if (fd < 0) {
        // EXDEV: it leads out of the root. Anything but "not there" says nothing about the file,
        // and is asked again.
        bool is_missing = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ||
                          errno == EBADF; // the root itself
        bool is_known = is_missing || errno == EXDEV || errno == EACCES || errno == ELOOP;
        file->kind = is_missing ? FILE_NONE : FILE_DENIED;
        file->checked_ms = is_known ? file->checked_ms : 0;
        return;
    }
    if (fstat(fd, &st) == 0) {
        bool is_regular = S_ISREG(st.st_mode);
        file->kind = is_regular ? FILE_REGULAR : S_ISDIR(st.st_mode) ? FILE_DIRECTORY : FILE_DENIED;
        if (is_regular) {
            describe(file, &st);
        }
    }
    close(fd);
}

// ---- what is remembered -------------------------------------------------------------------------

static void file_free(struct files *f, struct file *file) {
    if (file->content != NULL) {
        f->bytes -= file->info.len;
        free(file->content);
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    free(file);
}

static void file_drop(struct files *f, struct file *file) {
    struct file **at = &f->table[file->hash % SLOTS];
    while (*at != file) {
        at = &(*at)->next;
    }
    *at = file->next;
    list_drop(&file->recent);
    f->count--;
    file->is_dropped = true;
    if (file->users == 0) {
        file_free(f, file);
    }
}

static void make_room(struct files *f) {
    // What is being sent is dropped from the table, but not yet from the memory.
    while (!list_is_empty(&f->recent) && (f->count >= ENTRIES_MOST || f->bytes > BYTES_MOST)) {
        file_drop(f, LIST_ITEM(f->recent.next, struct file, recent));
    }
}

static struct file *file_new(struct files *f, struct span path, uint64_t hash) {
    struct file *file = calloc(1, sizeof *file + path.n + 1);
    if (file == NULL) {
        abort();
    }
    memcpy(file->path, path.p, path.n);
    file->path_n = path.n;
    file->hash = hash;
    file->fd = -1;
    file->checked_ms = loop_now_ms(f->loop);
    list_init(&file->recent);
    look(f, file);
    return file;
}

static bool is_same(const struct file *a, const struct file *b) {
    return a->kind == b->kind && a->inode == b->inode && a->device == b->device &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->info.len == b->info.len && a->info.mtime_s == b->info.mtime_s &&
           a->info.mtime_ns == b->info.mtime_ns;
}

static void remember(struct files *f, struct file *file) {
    make_room(f);
    file->next = f->table[file->hash % SLOTS];
    f->table[file->hash % SLOTS] = file;
    f->count++;
}

// Looks again after a second: what has changed takes the place of what was known, which responses
// under way may go on reading.
static struct file *look_again(struct files *f, struct file *known) {
    struct file *now = file_new(f, span_of(known->path, known->path_n), known->hash);
    if (is_same(known, now)) {
        known->checked_ms = now->checked_ms;
        file_free(f, now);
        return known;
    }
    file_drop(f, known);
    remember(f, now);
    return now;
}

static struct file *find(struct files *f, struct span path) {
    uint64_t hash = siphash(&f->secret, path);
    struct file *file = f->table[hash % SLOTS];
    while (file != NULL &&
           (file->hash != hash || !span_eq(span_of(file->path, file->path_n), path))) {
        file = file->next;
    }
    if (file == NULL) {
        file = file_new(f, path, hash);
        remember(f, file);
    } else if (loop_now_ms(f->loop) - file->checked_ms >= FRESH_MS) {
        file = look_again(f, file);
    }
    list_put(&f->recent, &file->recent);
    return file;
}

static enum file_kind on_find(void *self, struct span path, struct file_info *info) {
    const struct file *file = find(self, path);
    *info = file->info;
    return file->kind;
}

void files_init(struct files *f, struct loop *loop, const struct site *sites, size_t n) {
    *f = (struct files){.loop = loop, .finder = {.self = f, .find = on_find}};
    list_init(&f->recent);
    f->table = calloc(SLOTS, sizeof(struct file *));
    f->chunk = malloc(CHUNK);
    f->roots = calloc(n, sizeof *f->roots);
    if (f->table == NULL || f->chunk == NULL || f->roots == NULL ||
        getrandom(&f->secret, sizeof f->secret, 0) != (ssize_t)sizeof f->secret) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        if (sites[i].root.n > 0) {
            struct files_root *root = &f->roots[f->roots_n++];
            *root = (struct files_root){.path = sites[i].root, .fd = -1};
            open_root(f, root);
        }
    }
}

void files_fini(struct files *f) {
    while (!list_is_empty(&f->recent)) {
        file_drop(f, LIST_ITEM(f->recent.next, struct file, recent));
    }
    for (size_t i = 0; i < f->roots_n; i++) {
        if (f->roots[i].fd >= 0) {
            close(f->roots[i].fd);
        }
    }
    free(f->roots);
    free(f->table);
    free(f->chunk);
}

// ---- responses ----------------------------------------------------------------------------------

static bool read_content(struct files *f, struct file *file, int fd) {
    size_t len = (size_t)file->info.len, at = 0;
    uint8_t *content = malloc(len ? len : 1);
    if (content == NULL) {
        abort();
    }
    while (at < len) {
        ssize_t n = pread(fd, content + at, len - at, (off_t)at);
        if (n <= 0) {
            free(content);
            return false;
        }
        at += (size_t)n;
    }
    file->content = content;
    f->bytes += len;
    return true;
}

// Opens the file or reads its content, and sees that it is still the one that was looked at.
static int load(struct files *f, struct file *file) {
    struct stat st;
    if (file->content != NULL || file->fd >= 0) {
        return 0;
    }
    int fd = open_beneath(f, span_of(file->path, file->path_n), O_RDONLY | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return ERR_NOT_FOUND;
        }
        return errno == EACCES || errno == EXDEV || errno == ELOOP ? ERR_FORBIDDEN : ERR_FILE_IO;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return ERR_NOT_FOUND;
    }
    describe(file, &st);
    if (file->info.len > CONTENT_MOST) {
        file->fd = fd;
        return 0;
    }
    bool is_read = read_content(f, file, fd);
    close(fd);
    return is_read ? 0 : ERR_FILE_IO;
}

static int put_fields(struct file_response *r, struct arena *a, struct span range_text) {
    const struct file *file = r->file;
    struct pairs *fields = &r->head.fields;
    bool has_body = r->head.status != 304;
    bool is_part = r->head.status == 206;
    struct span len = span_of(file->len, file->len_n);
    int err = 0;
    if (is_part) {
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%" PRIu64, r->to - r->from);
        len = arena_copy(a, span_of(digits, (size_t)n));
        err = pairs_put(fields, a, SPAN("content-range"), range_text);
    }
    if (err == 0 && has_body) {
        err = pairs_put(fields, a, SPAN("content-type"),
                        mime_type(span_of(file->path, file->path_n)));
    }
    if (err == 0 && has_body) {
        err = pairs_put(fields, a, SPAN("content-length"), len);
    }
    if (err == 0) {
        err = pairs_put(fields, a, SPAN("last-modified"), span_of(file->modified, DATE_LEN));
    }
    if (err == 0) {
        err = pairs_put(fields, a, SPAN("etag"), span_of(file->etag, file->etag_n));
    }
    if (err == 0) {
        err = pairs_put(fields, a, SPAN("accept-ranges"), SPAN("bytes"));
    }
    return err;
}

static int open_range(struct file_response *r, const struct request *q, struct arena *a,
                      struct span *text) {
    const struct span *wanted = pairs_find(&q->fields, SPAN("range"));
    const struct file *file = r->file;
    struct span etag = span_of(file->etag, file->etag_n);
    struct range range;
    if (wanted == NULL || !span_eq(q->method, SPAN("GET")) ||
        !condition_allows_range(q, etag, file->info.mtime_s)) {
        return 0;
    }
    enum range_kind kind = range_parse(*wanted, file->info.len, &range);
    if (kind == RANGE_WHOLE) {
        return 0;
    }
    if (kind == RANGE_UNSATISFIABLE) {
        return ERR_RANGE;
    }
    char *out = arena_alloc(a, RANGE_TEXT_MAX);
    if (out == NULL) {
        return ERR_ARENA_LIMIT;
    }
    *text = range_format(&range, file->info.len, out);
    r->head.status = 206;
    r->from = range.first;
    r->to = range.first + range.len;
    return 0;
}

// What the request's conditions make of it: the status, and the bytes to be sent.
static int decide(struct file_response *r, const struct request *q, struct arena *a,
                  struct span *range_text) {
    const struct file *file = r->file;
    r->head.status = 200;
    r->from = 0;
    r->to = file->info.len;
    switch (condition_evaluate(q, span_of(file->etag, file->etag_n), file->info.mtime_s)) {
    case CONDITION_FAILED:
        return ERR_PRECONDITION;
    case CONDITION_NOT_MODIFIED:
        r->head.status = 304;
        break;
    case CONDITION_OK:
        return open_range(r, q, a, range_text);
    }
    return 0;
}

int files_open(struct files *f, struct file_response *r, const struct route *route,
               const struct request *request, struct arena *arena) {
    struct span range_text = {NULL, 0};
    *r = (struct file_response){.file = find(f, route->file)};
    r->file->users++;
    int err = load(f, r->file);
    if (err == 0) {
        err = decide(r, request, arena, &range_text);
    }
    if (err == 0) {
        err = put_fields(r, arena, range_text);
    }
    if (err != 0) {
        files_close(f, r);
        return err;
    }
    // A front drops the body of these; no need to read it.
    if (r->head.status == 304 || span_eq(request->method, SPAN("HEAD"))) {
        r->to = r->from;
    }
    return 0;
}

bool files_next(struct files *f, struct file_response *r, size_t most, struct span *piece) {
    struct file *file = r->file;
    uint64_t left = r->to - r->from;
    size_t n = left < most ? (size_t)left : most;
    if (file->content != NULL) {
        *piece = span_of(file->content + r->from, n);
        r->from += n;
        return true;
    }
    n = n < CHUNK ? n : CHUNK;
    ssize_t got = n > 0 ? pread(file->fd, f->chunk, n, (off_t)r->from) : 0;
    *piece = span_of(f->chunk, got > 0 ? (size_t)got : 0);
    r->from += piece->n;
    return got > 0 || n == 0;
}

void files_close(struct files *f, struct file_response *r) {
    struct file *file = r->file;
    if (file == NULL) {
        return;
    }
    r->file = NULL;
    file->users--;
    if (file->users > 0) {
        return;
    }
    if (file->is_dropped) {
        file_free(f, file);
    } else if (file->fd >= 0) {
        close(file->fd); // or a file that is deleted would keep its disk for as long as we remember
                         // it
        file->fd = -1;
    }
}

static int on_open(void *self, struct file_response *r, const struct route *route,
                   const struct request *request, struct arena *arena) {
    return files_open(self, r, route, request, arena);
}

static bool on_next(void *self, struct file_response *r, size_t most, struct span *piece) {
    return files_next(self, r, most, piece);
}

static void on_close(void *self, struct file_response *r) {
    files_close(self, r);
}

const struct file_ops files_ops = {.open = on_open, .next = on_next, .close = on_close};
