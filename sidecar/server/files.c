// SPDX-License-Identifier: MIT
#include "server/files.h"

#include "base/error.h"
#include "base/siphash.h"
#include "gateway/file_head.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
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
    char *real; // where symbolic links lead to, below the root; NULL: there are none in the path
    int fd;     // of a larger file that is being sent, or -1
    uint8_t *content;
    unsigned root_changes; // files_roots.changes when it was looked at
    unsigned users;        // responses under way
    bool is_dropped;       // out of the table; freed with the last user
    struct file_texts texts;
    size_t path_n;
    char path[]; // zero-terminated
};

// ---- the disk -----------------------------------------------------------------------------------

static void describe(struct file *file, const struct stat *st) {
    file->info = (struct file_info){.len = (uint64_t)st->st_size,
                                    .mtime_s = st->st_mtim.tv_sec,
                                    .mtime_ns = (uint32_t)st->st_mtim.tv_nsec};
    file->inode = st->st_ino;
    file->device = st->st_dev;
    file->changed = st->st_ctim;
    file_head_describe(&file->texts, &file->info);
}

// What an error of opening says about the file. Only what the name itself brings about is known;
// anything else (no descriptor, no memory, a disk in trouble) is asked again.
static enum file_kind kind_of_error(int error) {
    bool is_missing = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ||
                      error == EBADF; // the root itself
    bool is_denied = error == EXDEV || error == EACCES || error == EPERM || error == ELOOP;
    return is_missing ? FILE_NONE : is_denied ? FILE_DENIED : FILE_UNKNOWN;
}

// Opens the path. Behind symbolic links, *real says where they lead to, as malloc has it; a link
// whose end has no name below the root is denied.
static int open_path(struct files *f, struct span path, int flags, char **real) {
    char text[PATH_MAX];
    *real = NULL;
    int fd = files_roots_open(&f->roots, path, flags, false);
    if (fd >= 0 || errno != ELOOP) {
        return fd;
    }
    fd = files_roots_open(&f->roots, path, flags, true);
    if (fd < 0) {
        return -1;
    }
    struct span end = files_roots_real(&f->roots, path, fd, text);
    if (end.p == NULL) {
        close(fd);
        errno = EXDEV;
        return -1;
    }
    *real = strndup((const char *)end.p, end.n);
    if (*real == NULL) {
        abort();
    }
    return fd;
}

static void look(struct files *f, struct file *file) {
    struct stat st;
    int fd = open_path(f, span_of(file->path, file->path_n), O_PATH, &file->real);
    file->kind = fd < 0 ? kind_of_error(errno) : FILE_NONE;
    if (file->kind == FILE_UNKNOWN) {
        file->checked_ms = 0;
    }
    if (fd < 0) {
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
    free(file->real);
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
    file->root_changes = f->roots.changes;
    list_init(&file->recent);
    look(f, file);
    return file;
}

static bool leads_alike(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same(const struct file *a, const struct file *b) {
    return leads_alike(a->real, b->real) && a->kind == b->kind && a->inode == b->inode &&
           a->device == b->device && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec && a->info.len == b->info.len &&
           a->info.mtime_s == b->info.mtime_s && a->info.mtime_ns == b->info.mtime_ns;
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
    if (now->kind == FILE_UNKNOWN) {
        file_free(f, now); // what was there a moment ago is the best that is known
        return known;
    }
    if (is_same(known, now)) {
        known->checked_ms = now->checked_ms;
        known->root_changes = now->root_changes;
        file_free(f, now);
        return known;
    }
    file_drop(f, known);
    remember(f, now);
    return now;
}

static bool is_of(const struct file *file, struct span path) {
    return span_eq(span_of(file->path, file->path_n), path);
}

// What is known of the path, or what is looked up now.
static struct file *recall(struct files *f, struct span path) {
    uint64_t hash = siphash(&f->secret, path);
    struct file *file = f->table[hash % SLOTS];
    while (file != NULL && (file->hash != hash || !is_of(file, path))) {
        file = file->next;
    }
    if (file == NULL) {
        file = file_new(f, path, hash);
        remember(f, file);
    }
    return file;
}

// Mostly the same is found twice: by the router, and when it is opened.
static struct file *find(struct files *f, struct span path) {
    struct file *latest =
        list_is_empty(&f->recent) ? NULL : LIST_ITEM(f->recent.prev, struct file, recent);
    struct file *file = latest != NULL && is_of(latest, path) ? latest : recall(f, path);
    if (loop_now_ms(f->loop) - file->checked_ms >= FRESH_MS ||
        file->root_changes != f->roots.changes) {
        file = look_again(f, file);
    }
    list_put(&f->recent, &file->recent);
    return file;
}

static enum file_kind on_find(void *self, struct span path, struct file_info *info) {
    const struct file *file = find(self, path);
    *info = file->info;
    info->real = span_str(file->real);
    return file->kind;
}

static struct span on_root(void *self, struct span root) {
    const struct files *f = self;
    return files_roots_root(&f->roots, root);
}

void files_init(struct files *f, struct loop *loop, const struct site *sites, size_t n) {
    *f = (struct files){.loop = loop, .finder = {.self = f, .find = on_find, .root = on_root}};
    list_init(&f->recent);
    f->table = calloc(SLOTS, sizeof(struct file *));
    f->chunk = malloc(CHUNK);
    if (f->table == NULL || f->chunk == NULL ||
        getrandom(&f->secret, sizeof f->secret, 0) != (ssize_t)sizeof f->secret) {
        abort();
    }
    files_roots_init(&f->roots, loop, sites, n);
}

void files_fini(struct files *f) {
    while (!list_is_empty(&f->recent)) {
        file_drop(f, LIST_ITEM(f->recent.next, struct file, recent));
    }
    files_roots_fini(&f->roots);
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

// Opens what was looked at. The links in its name may have been turned since then: where they led
// is what the router has judged.
static int open_again(struct files *f, const struct file *file, int *fd) {
    static const int errors[] = {[FILE_NONE] = ERR_NOT_FOUND,
                                 [FILE_DENIED] = ERR_FORBIDDEN,
                                 [FILE_UNKNOWN] = ERR_FILES_BUSY};
    char *real;
    *fd = open_path(f, span_of(file->path, file->path_n), O_RDONLY | O_NONBLOCK, &real);
    if (*fd < 0) {
        return errno == EIO ? ERR_FILE_IO : errors[kind_of_error(errno)];
    }
    bool is_turned = !leads_alike(real, file->real);
    free(real);
    if (is_turned) {
        close(*fd);
        return ERR_FORBIDDEN;
    }
    return 0;
}

// Opens the file or reads its content, and sees that it is still the one that was looked at.
static int load(struct files *f, struct file *file) {
    struct stat st;
    int fd = -1;
    if (file->content != NULL || file->fd >= 0) {
        return 0;
    }
    int err = open_again(f, file, &fd);
    if (err != 0) {
        return err;
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

int files_open(struct files *f, struct file_response *r, struct span path,
               const struct request *request, struct arena *arena) {
    *r = (struct file_response){.file = find(f, path)};
    struct file *file = r->file;
    file->users++;
    int err = load(f, file);
    if (err == 0) {
        err = file_head_build(r, &file->info, &file->texts,
                              &(struct file_request){path, request, arena});
    }
    if (err != 0) {
        files_close(f, r);
    }
    return err;
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

static int on_open(void *self, struct file_response *r, struct span path,
                   const struct request *request, struct arena *arena) {
    return files_open(self, r, path, request, arena);
}

static bool on_next(void *self, struct file_response *r, size_t most, struct span *piece) {
    return files_next(self, r, most, piece);
}

static void on_close(void *self, struct file_response *r) {
    files_close(self, r);
}

const struct file_ops files_ops = {.open = on_open, .next = on_next, .close = on_close};
