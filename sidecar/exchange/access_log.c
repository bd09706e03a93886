// SPDX-License-Identifier: MIT
#include "exchange/access_log.h"

#include "base/escape.h"

#define SAMPLE_ALL 10000
#define STATUS_FAILED 500
#define DIGITS 20 // of UINT64_MAX

#define COMBINED                                                                                   \
    "{client} - - [{clf-time}] \"{request}\" {status} {bytes} \"{referer}\" \"{agent}\""

enum kind { TEXT, COUNT, TIME, WHOLE };

static const struct row {
    struct span name;
    enum kind kind;
    size_t most;
} rows[] = {
#define ACCESS_FIELD(id, name, kind, most, sentence) {SPAN_INIT(name), kind, most},
#include "exchange/access_field.def"
#undef ACCESS_FIELD
};

// ---- formats ------------------------------------------------------------------------------------

static enum access_field find(struct span name) {
    for (int i = 0; i < ENTRY_FIELDS; i++) {
        if (span_eq(rows[i].name, name)) {
            return (enum access_field)i;
        }
    }
    return ENTRY_FIELDS;
}

// part = *( any byte but "{" ) [ "{" name "}" ]
static bool parse_part(struct span *rest, struct access_part *part, const char **why) {
    size_t at = span_index(*rest, '{');
    *part = (struct access_part){span_first(*rest, at), ENTRY_FIELDS};
    *rest = span_skip(*rest, at);
    if (rest->n == 0) {
        return true;
    }
    size_t end = span_index(*rest, '}');
    part->field = end < rest->n ? find(span_first(span_skip(*rest, 1), end - 1)) : ENTRY_FIELDS;
    *why = end == rest->n ? "a { without its }"
                          : "there is no field of a name between { and }; outrider help fields "
                            "names all";
    *rest = span_skip(*rest, end + 1);
    return part->field != ENTRY_FIELDS;
}

static bool parse_text(struct access_log *log, struct span text, struct arena *a,
                       const char **why) {
    size_t most = 1;
    for (size_t i = 0; i < text.n; i++) {
        most += text.p[i] == '{';
        if (text.p[i] < 0x20 || text.p[i] == 0x7f) {
            *why = "control characters may not stand in it";
            return false;
        }
    }
    struct access_part *parts = arena_alloc(a, most * sizeof *parts);
    *why = "it is too long";
    bool is_good = parts != NULL && text.n <= ACCESS_LOG_LINE / 4;
    while (is_good && text.n > 0) {
        is_good = parse_part(&text, &parts[log->parts_n++], why);
    }
    log->parts = parts;
    return is_good;
}

// One object: {"time":...,"site":...}
static bool build_json(struct access_log *log, struct arena *a) {
    struct access_part *parts = arena_alloc(a, (ENTRY_FIELDS + 1) * sizeof *parts);
    for (int i = 0; parts != NULL && i < ENTRY_FIELDS; i++) {
        uint8_t *key = arena_alloc(a, rows[i].name.n + 4);
        if (rows[i].kind == WHOLE || key == NULL) {
            continue;
        }
        memcpy(key, log->parts_n == 0 ? "{\"" : ",\"", 2);
        memcpy(key + 2, rows[i].name.p, rows[i].name.n);
        memcpy(key + 2 + rows[i].name.n, "\":", 2);
        parts[log->parts_n++] =
            (struct access_part){span_of(key, rows[i].name.n + 4), (enum access_field)i};
    }
    if (parts != NULL) {
        parts[log->parts_n++] = (struct access_part){SPAN("}"), ENTRY_FIELDS};
    }
    log->parts = parts;
    return parts != NULL;
}

bool access_log_parse(struct access_log *log, struct span format, struct arena *a,
                      const char **why) {
    log->parts_n = 0;
    log->is_json = span_eq(format, SPAN("json"));
    if (log->is_json) {
        *why = "there is no memory for it";
        return build_json(log, a);
    }
    bool is_combined = span_eq(format, SPAN("combined"));
    if (!is_combined && span_index(format, '{') == format.n) {
        *why = "it is combined, json, or text with fields between braces, such as {status}";
        return false;
    }
    return parse_text(log, is_combined ? SPAN(COMBINED) : format, a, why);
}

// ---- lines --------------------------------------------------------------------------------------

struct line {
    char *p;
    size_t n, cap;
};

static void put(struct line *l, struct span text) {
    size_t n = text.n < l->cap - l->n ? text.n : l->cap - l->n;
    memcpy(l->p + l->n, text.p, n);
    l->n += n;
}

// At least `width` digits.
static void put_number(struct line *l, uint64_t number, size_t width) {
    uint8_t digits[DIGITS];
    size_t n = 0;
    while (n < width || number > 0) {
        digits[DIGITS - ++n] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
    put(l, span_of(digits + DIGITS - n, n));
}

static void put_text(struct line *l, const struct row *row, bool is_json, struct span text) {
    size_t room = l->cap - l->n;
    if (is_json) {
        put(l, SPAN("\""));
    }
    if (room >= row->most + 2) {
        l->n += escape_text(is_json ? ESCAPE_JSON : ESCAPE_QUOTED, text, l->p + l->n, row->most);
    } else {
        l->cap = l->n; // the line is full
    }
    if (is_json) {
        put(l, SPAN("\""));
    }
}

static void put_value(struct line *l, const struct access_log *log, const struct access_entry *e,
                      enum access_field field) {
    const struct row *row = &rows[field];
    if ((e->known >> field & 1) == 0) {
        put(l, log->is_json ? SPAN("null") : SPAN("-"));
    } else if (row->kind == TEXT || row->kind == WHOLE) {
        put_text(l, row, log->is_json, e->text[field]);
    } else if (row->kind == COUNT) {
        put_number(l, e->number[field], 1);
    } else {
        put_number(l, e->number[field] / 1000, 1);
        put(l, SPAN("."));
        put_number(l, e->number[field] % 1000, 3);
    }
}

size_t access_log_format(const struct access_log *log, const struct access_entry *entry,
                         char out[ACCESS_LOG_LINE]) {
    struct line l = {out, 0, ACCESS_LOG_LINE - 1};
    for (size_t i = 0; i < log->parts_n; i++) {
        put(&l, log->parts[i].text);
        if (log->parts[i].field != ENTRY_FIELDS) {
            put_value(&l, log, entry, log->parts[i].field);
        }
    }
    out[l.n++] = '\n';
    return l.n;
}

bool access_log_wants(const struct access_log *log, int status, uint32_t draw) {
    return log->sample >= SAMPLE_ALL || status >= STATUS_FAILED || draw % SAMPLE_ALL < log->sample;
}

struct ip access_log_client(const struct access_log *log, const struct ip *client) {
    return ip_prefix(client, client->n == 4 ? log->ipv4_prefix : log->ipv6_prefix);
}
