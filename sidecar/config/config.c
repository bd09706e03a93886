// SPDX-License-Identifier: MIT
#include "config/config.h"

#include "base/error.h"
#include "config/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MOST ((size_t)1 << 20) // bytes of a configuration

static int read_config(struct config *c, struct span text, struct config_errors *errors) {
    unsigned before = errors->count;
    struct file file;
    *c = (struct config){0};
    arena_init(&c->arena, SIZE_MAX);
    if (text.n > TEXT_MOST) {
        config_errors_put(errors, 0, "a configuration has at most 1 MB");
        return ERR_CONFIG;
    }
    if (file_init(&file, text, errors) == 0) {
        struct build build = {.config = c, .errors = errors, .top = file_top(&file)};
        build_config(&build);
    }
    file_fini(&file);
    return errors->count == before ? 0 : ERR_CONFIG;
}

int config_parse(struct config *c, const char *name, struct span text,
                 struct config_errors *errors) {
    errors->file = name;
    errors->places_n = 0;
    int error = read_config(c, text, errors);
    errors->file = NULL;
    return error;
}

int config_load(struct config *c, const char *path, struct config_errors *errors) {
    *c = (struct config){0};
    FILE *f = fopen(path, "rbe");
    uint8_t *text = malloc(TEXT_MOST + 1);
    if (text == NULL) {
        abort();
    }
    size_t n = f != NULL ? fread(text, 1, TEXT_MOST + 1, f) : 0;
    int error = ERR_CONFIG;
    if (f == NULL || ferror(f)) {
        errors->file = path;
        config_errors_put(errors, 0, "cannot be read: %s", strerror(errno));
        errors->file = NULL;
    } else {
        error = config_parse(c, path, span_of(text, n), errors);
    }
    if (f != NULL) {
        fclose(f);
    }
    free(text);
    return error;
}

int config_args(struct config *c, const struct config_args *args, struct config_errors *errors) {
    struct args_text text;
    args_text_init(&text, args, TEXT_MOST);
    errors->places = text.places;
    errors->places_n = text.places_n;
    int error = read_config(c, buf_span(&text.text), errors);
    errors->places_n = 0;
    args_text_fini(&text);
    return error;
}

void config_fini(struct config *c) {
    arena_fini(&c->arena);
    *c = (struct config){0};
}
