// SPDX-License-Identifier: MIT
// The main of a fuzz target in a build without a fuzzing engine: replays each seed of the folder
// given, then each seed cut short and with single bytes changed, reproducibly.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUTATIONS 400 // of each seed
#define ALL 4000      // of all seeds together, about

static void replay(const uint8_t *data, size_t n) {
    // A block of exactly n bytes, so that a sanitizer sees a read behind its end.
    uint8_t *copy = malloc(n ? n : 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void mutate(uint8_t *data, size_t n, int times, uint32_t *state) {
    for (int i = 0; i < times && n > 0; i++) {
        *state = *state * 1664525u + 1013904223u;
        size_t at = (*state >> 8) % n;
        uint8_t was = data[at];
        data[at] = (uint8_t)(*state >> 24);
        replay(data, i % 4 == 0 ? at + 1 : n);
        data[at] = was;
    }
}

static int count(DIR *d) {
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        n += e->d_name[0] != '.';
    }
    rewinddir(d);
    return n;
}

int main(int argc, char **argv) {
    uint32_t state = 1;
    int seeds = 0;
    DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
    if (d == NULL) {
        fprintf(stderr, "usage: %s FOLDER of seeds (%s)\n", argv[0], argc == 2 ? argv[1] : "none");
        return 1;
    }
    int all = count(d), times = all * MUTATIONS > ALL ? ALL / all : MUTATIONS;
    replay((const uint8_t *)"", 0);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (f == NULL) {
            continue;
        }
        static uint8_t data[1 << 20];
        size_t n = fread(data, 1, sizeof data, f);
        fclose(f);
        replay(data, n);
        mutate(data, n, times, &state);
        seeds++;
    }
    closedir(d);
    printf("%d seeds replayed\n", seeds);
    return seeds > 0 ? 0 : 1;
}
