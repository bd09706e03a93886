// SPDX-License-Identifier: MIT
#include "runner/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cgroup_file_put(int dir, const char *file, const char *text) {
    int fd = openat(dir, file, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static FILE *open_file(int dir, const char *file) {
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
    FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (fd >= 0 && stream == NULL) {
        close(fd);
    }
    return stream;
}

bool cgroup_file_has(int dir, const char *file, const char *word) {
    char found[64];
    bool has = false;
    FILE *stream = open_file(dir, file);
    while (stream && !has && fscanf(stream, "%63s", found) == 1) {
        has = strcmp(found, word) == 0;
    }
    if (stream) {
        fclose(stream);
    }
    return has;
}

bool cgroup_file_number(int dir, const char *file, const char *key, uint64_t *number) {
    char found[64];
    bool has = false;
    FILE *stream = open_file(dir, file);
    while (stream && !has && fscanf(stream, "%63s %" SCNu64, found, number) == 2) {
        has = strcmp(found, key) == 0;
    }
    if (stream) {
        fclose(stream);
    }
    return has;
}
