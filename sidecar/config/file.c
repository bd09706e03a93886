// SPDX-License-Identifier: MIT
#include "config/file.h"

#include "base/error.h"

#include <assert.h>
#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MOST 64 // options and sections of one section, and the end mark

// Where on_error, which libconfuse gives nothing of ours, writes to.
static struct config_errors *current;

const char *file_library(void) {
    return confuse_version;
}

static void on_error(cfg_t *cfg, const char *format, va_list args) {
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    // The outline has told all names that are unknown, and knows better ones.
    if (strncmp(text, "no such option", 14) != 0) {
        config_errors_put(current, cfg->line > 0 ? (unsigned)cfg->line : 0, "%s", text);
    }
}

static cfg_opt_t make_option(enum option id) {
    const struct option_row *row = option_row(id);
    const char *standard = row->standard[0] != 0 ? row->standard : NULL;
    if (option_is_list(id)) {
        // libconfuse copies it, although it does not say const.
        char *list = (char *)(uintptr_t)standard;
        return (cfg_opt_t)CFG_STR_LIST(row->name, list, CFGF_NONE);
    }
    return (cfg_opt_t)CFG_STR(row->name, standard, CFGF_NONE);
}

// The table of a section, those of its own sections first. libconfuse copies them.
static cfg_opt_t *make_table(enum section id, cfg_opt_t tables[SECTION_COUNT][ROWS_MOST]) {
    cfg_opt_t *table = tables[id];
    size_t n = 0;
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        if (option_row(o)->section == id) {
            assert(n < ROWS_MOST - 1);
            table[n++] = make_option(o);
        }
    }
    for (enum section s = SECTION_TOP + 1; s < SECTION_COUNT; s++) {
        const struct section_row *row = section_row(s);
        if (row->parent == id) {
            assert(n < ROWS_MOST - 1);
            // A plain one is there once, with its defaults, even if it is not written.
            int flags = row->is_titled ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE;
            table[n++] = (cfg_opt_t)CFG_SEC(row->name, make_table(s, tables), flags);
        }
    }
    table[n] = (cfg_opt_t)CFG_END();
    return table;
}

static int parse(struct file *f) {
    static cfg_opt_t tables[SECTION_COUNT][ROWS_MOST];
    unsigned before = f->errors->count;
    current = f->errors;
    f->cfg = cfg_init(make_table(SECTION_TOP, tables), CFGF_NONE);
    if (f->cfg == NULL) {
        abort();
    }
    cfg_set_error_function(f->cfg, on_error);
    int result = cfg_parse_buf(f->cfg, f->text);
    current = NULL;
    if (result == CFG_SUCCESS && f->outline.is_whole) {
        return 0;
    }
    if (f->errors->count == before && f->outline.is_whole) {
        config_errors_put(f->errors, 0, "this cannot be read");
    } else if (f->errors->count == before) {
        config_errors_put(f->errors, f->outline.line, "this cannot be read from here on");
    }
    return ERR_CONFIG;
}

int file_init(struct file *f, struct span text, struct config_errors *errors) {
    *f = (struct file){.errors = errors, .text = malloc(text.n + 1)};
    if (f->text == NULL) {
        abort();
    }
    if (text.n > 0) {
        memcpy(f->text, text.p, text.n);
    }
    f->text[text.n] = 0;
    int error = outline_init(&f->outline, (uint8_t *)f->text, text.n, errors);
    return error != 0 ? error : parse(f);
}

void file_fini(struct file *f) {
    if (f->cfg != NULL) {
        cfg_free(f->cfg);
    }
    outline_fini(&f->outline);
    free(f->text);
    *f = (struct file){0};
}

struct file_section file_top(const struct file *f) {
    return (struct file_section){f, f->cfg, OUTLINE_TOP, SECTION_TOP};
}

size_t file_count(const struct file_section *s, enum section id) {
    return cfg_size(s->cfg, section_row(id)->name);
}

struct file_section file_child(const struct file_section *s, enum section id, size_t i) {
    return (struct file_section){
        .file = s->file,
        .cfg = cfg_getnsec(s->cfg, section_row(id)->name, (unsigned)i),
        .index = outline_section(&s->file->outline, s->index, id, i),
        .id = id,
    };
}

struct span file_title(const struct file_section *s) {
    return span_str(cfg_title(s->cfg));
}

bool file_has(const struct file_section *s, enum option id) {
    return outline_line(&s->file->outline, s->index, id) > 0;
}

size_t file_values(const struct file_section *s, enum option id) {
    size_t n = cfg_size(s->cfg, option_row(id)->name);
    bool is_unset = !option_is_list(id) && n == 1 && file_value(s, id, 0).p == NULL;
    return is_unset ? 0 : n;
}

struct span file_value(const struct file_section *s, enum option id, size_t i) {
    return span_str(cfg_getnstr(s->cfg, option_row(id)->name, (unsigned)i));
}

unsigned file_section_line(const struct file_section *s) {
    return s->file->outline.v[s->index].line;
}

unsigned file_line(const struct file_section *s, enum option id) {
    unsigned line = outline_line(&s->file->outline, s->index, id);
    return line > 0 ? line : file_section_line(s);
}
