// SPDX-License-Identifier: MIT
#include "server/access_output.h"

#include "base/list.h"
#include "server/log.h"
#include "server/log_writer.h"
#include "server/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RING (4u << 20) // bytes of lines that wait: 0.5 s of 20,000 requests a second
#define DELAY_MS 100    // for which a line waits for others
#define DEV_LOG "/dev/log"
#define PRIORITY 190  // local7.info (RFC 3164, 4.1.1)
#define HEADER_LEN 64 // bytes before the line in a message

enum kind { FILE_KIND, STREAM_KIND, SYSLOG_KIND };

struct access_output {
    struct list node;
    unsigned users;
    enum kind kind;
    struct log_output *lines;
    ino_t socket; // of the syslog that it is connected to
    char path[];  // as it is called
};

static struct list outputs = {&outputs, &outputs};
static _Atomic uint64_t lost;

// ---- opening ------------------------------------------------------------------------------------

static ino_t inode_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int open_syslog(const char *path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static const char *syslog_path(const struct access_output *o) {
    const char *path = strchr(o->path, ':');
    return path != NULL ? path + 1 : DEV_LOG;
}

static int open_output(struct access_output *o) {
    struct span to = span_str(o->path);
    if (span_eq(to, SPAN("stdout")) || span_eq(to, SPAN("stderr"))) {
        o->kind = STREAM_KIND;
        return fcntl(span_eq(to, SPAN("stdout")) ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC,
                     3);
    }
    if (span_has_prefix(to, SPAN("syslog"))) {
        o->kind = SYSLOG_KIND;
        o->socket = inode_of(syslog_path(o));
        return open_syslog(syslog_path(o));
    }
    o->kind = FILE_KIND;
    return opener_append(o->path);
}

// ---- on the writer's thread ---------------------------------------------------------------------

static size_t on_lost(void *self, uint64_t lines, char out[LOG_WRITER_LINE]) {
    const struct access_output *o = self;
    (void)out;
    log_line(LOG_WARN,
             "%llu lines of the access log %s were lost: they could not be written fast enough",
             (unsigned long long)lines, o->path);
    return 0;
}

// Whether the path leads to another file than the open one, or to none. A syslog that was started
// again is another socket of the same name.
static bool has_moved(const struct access_output *o, int fd) {
    struct stat now, was;
    if (o->kind == SYSLOG_KIND) {
        return inode_of(syslog_path(o)) != o->socket;
    }
    return stat(o->path, &now) != 0 || fstat(fd, &was) != 0 || now.st_ino != was.st_ino ||
           now.st_dev != was.st_dev;
}

static int on_reopen(void *self, int fd, bool is_asked) {
    struct access_output *o = self;
    if (o->kind == STREAM_KIND || (!is_asked && !has_moved(o, fd))) {
        return fd;
    }
    int other = open_output(o);
    if (other < 0) {
        log_line(LOG_ERROR, "access log %s cannot be opened again: %s; the file before is kept",
                 o->path, strerror(errno));
        return fd;
    }
    return other;
}

static void on_closed(void *self) {
    free(self);
}

// ---- from outside -------------------------------------------------------------------------------

static struct access_output *find(struct span to) {
    for (struct list *n = outputs.next; n != &outputs; n = n->next) {
        struct access_output *o = LIST_ITEM(n, struct access_output, node);
        if (span_eq(span_str(o->path), to)) {
            return o;
        }
    }
    return NULL;
}

static struct access_output *make(struct span to) {
    struct access_output *o = calloc(1, sizeof *o + to.n + 1);
    if (o == NULL) {
        abort();
    }
    list_init(&o->node);
    memcpy(o->path, to.p, to.n);
    int fd = open_output(o);
    if (fd < 0) {
        log_line(LOG_ERROR, "access log %s cannot be opened: %s", o->path, strerror(errno));
        free(o);
        return NULL;
    }
    o->lines = log_output_open(&(struct log_output_conf){.fd = fd,
                                                         .is_datagram = o->kind == SYSLOG_KIND,
                                                         .ring_len = RING,
                                                         .delay_ms = DELAY_MS,
                                                         .lost = &lost,
                                                         .self = o,
                                                         .tells_elsewhere = true,
                                                         .on_lost = on_lost,
                                                         .reopen = on_reopen,
                                                         .on_closed = on_closed});
    list_put(&outputs, &o->node);
    return o;
}

struct access_output *access_output_take(struct span to) {
    struct access_output *o = find(to);
    o = o != NULL ? o : make(to);
    if (o != NULL) {
        o->users++;
    }
    return o;
}

void access_output_release(struct access_output *o) {
    if (--o->users == 0) {
        list_drop(&o->node);
        log_output_close(o->lines);
    }
}

// <190>Dec  1 11:18:44 outrider[123]: (RFC 3164, 4.1)
static size_t put_header(char out[HEADER_LEN]) {
    time_t now = time(NULL);
    struct tm local;
    char date[24];
    localtime_r(&now, &local);
    strftime(date, sizeof date, "%b %e %H:%M:%S", &local);
    return (size_t)snprintf(out, HEADER_LEN, "<%d>%s outrider[%d]: ", PRIORITY, date, getpid());
}

static void put_message(struct access_output *o, struct span header, struct span line) {
    char message[LOG_WRITER_LINE];
    size_t rest = sizeof message - header.n - 1;
    char *end = mempcpy(message, header.p, header.n);
    end = mempcpy(end, line.p, line.n < rest ? line.n : rest);
    *end++ = '\n';
    log_output_put(o->lines, span_of(message, (size_t)(end - message)));
}

void access_output_put(struct access_output *o, struct span lines) {
    if (o->kind != SYSLOG_KIND) {
        log_output_put(o->lines, lines);
        return;
    }
    char header[HEADER_LEN];
    size_t n = put_header(header);
    for (struct span line; lines.n > 0 && span_cut(&lines, '\n', &line);) {
        put_message(o, span_of(header, n), line);
    }
}

uint64_t access_output_lost(void) {
    return atomic_load(&lost);
}
