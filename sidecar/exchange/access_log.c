// SPDX-License-Identifier: MIT
#include "exchange/access_log.h"

#include "base/escape.h"

#define SAMPLE_ALL 10000
#define STATUS_FAILED 500
#define DIGITS 20    // of UINT64_MAX
#define GROUP_MOST 3 // fields that a GROUP stands for

#define COMBINED                                                                                   \
    "{client} - - [{clf-time}] \"{request}\" {status} {bytes} \"{referer}\" \"{agent}\""

enum kind { TEXT, WORD, COUNT, TIME, AGAIN, GROUP };

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

static void add(struct access_log *log, struct access_part *parts, struct span text,
                enum access_field field) {
    parts[log->parts_n++] = (struct access_part){text, field};
    log->wants |= field < ENTRY_FIELDS ? UINT64_C(1) << field : 0;
}

// The fields that a GROUP stands for: there is one.
static void add_request(struct access_log *log, struct access_part *parts, struct span text) {
    add(log, parts, text, ENTRY_METHOD);
    add(log, parts, SPAN(" "), ENTRY_TARGET);
    add(log, parts, SPAN(" "), ENTRY_PROTOCOL);
}

// part = *( any byte but "{" ) [ "{" name "}" ]
static bool parse_part(struct access_log *log, struct access_part *parts, struct span *rest,
                       const char **why) {
    size_t at = span_index(*rest, '{');
    struct span text = span_first(*rest, at);
    *rest = span_skip(*rest, at);
    if (rest->n == 0) {
        add(log, parts, text, ENTRY_FIELDS);
        return true;
    }
    size_t end = span_index(*rest, '}');
    enum access_field field =
        end < rest->n ? find(span_first(span_skip(*rest, 1), end - 1)) : ENTRY_FIELDS;
    *why = end == rest->n ? "a { without its }"
                          : "there is no field of a name between { and }; outrider help fields "
                            "names all";
    *rest = span_skip(*rest, end + 1);
    if (field == ENTRY_FIELDS) {
        return false;
    }
    if (rows[field].kind == GROUP) {
        add_request(log, parts, text);
    } else {
        add(log, parts, text, field);
    }
    return true;
}

static bool parse_text(struct access_log *log, struct span text, struct arena *a,
                       const char **why) {
    size_t most = 1;
    for (size_t i = 0; i < text.n; i++) {
        most += text.p[i] == '{' ? GROUP_MOST : 0;
        if (text.p[i] < 0x20 || text.p[i] == 0x7f) {
            *why = "control characters may not stand in it";
            return false;
        }
    }
    struct access_part *parts = arena_alloc(a, most * sizeof *parts);
    *why = "it is too long";
    bool is_good = parts != NULL && text.n <= ACCESS_LOG_LINE / 4;
    while (is_good && text.n > 0) {
        is_good = parse_part(log, parts, &text, why);
    }
    log->parts = parts;
    return is_good;
}

// One object: {"time":...,"site":...}
static bool build_json(struct access_log *log, struct arena *a) {
    struct access_part *parts = arena_alloc(a, (ENTRY_FIELDS + 1) * sizeof *parts);
    for (int i = 0; parts != NULL && i < ENTRY_FIELDS; i++) {
        uint8_t *key = arena_alloc(a, rows[i].name.n + 4);
        if (rows[i].kind == AGAIN || rows[i].kind == GROUP || key == NULL) {
            continue;
        }
        memcpy(key, log->parts_n == 0 ? "{\"" : ",\"", 2);
        memcpy(key + 2, rows[i].name.p, rows[i].name.n);
        memcpy(key + 2 + rows[i].name.n, "\":", 2);
        add(log, parts, span_of(key, rows[i].name.n + 4), (enum access_field)i);
    }
    if (parts != NULL) {
        add(log, parts, SPAN("}"), ENTRY_FIELDS);
    }
    log->parts = parts;
    return parts != NULL;
}

bool access_log_parse(struct access_log *log, struct span format, struct arena *a,
                      const char **why) {
    log->parts_n = 0;
    log->wants = 0;
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
    char *at, *end;
};

static char *copy_bytes(char *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (char)from[i];
    }
    return to + n;
}

// What stands between fields is mostly shorter than a call of memcpy is worth.
static char *copy(char *to, const uint8_t *from, size_t n) {
    uint64_t first, last;
    if (n < sizeof first || n > 2 * sizeof first) {
        return n < sizeof first ? copy_bytes(to, from, n) : mempcpy(to, from, n);
    }
    memcpy(&first, from, sizeof first);
    memcpy(&last, from + n - sizeof last, sizeof last);
    memcpy(to, &first, sizeof first);
    memcpy(to + n - sizeof last, &last, sizeof last);
    return to + n;
}

static void put(struct line *l, struct span text) {
    size_t room = (size_t)(l->end - l->at);
    l->at = copy(l->at, text.p, text.n < room ? text.n : room);
}

// Writes n in front of `end`, two digits at a time; returns where it begins.
static char *put_digits(char *end, uint64_t n) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    for (; n >= 100; n /= 100) {
        end -= 2;
        memcpy(end, pairs + n % 100 * 2, 2);
    }
    if (n < 10) {
        *--end = (char)('0' + n);
        return end;
    }
    end -= 2;
    memcpy(end, pairs + n * 2, 2);
    return end;
}

static void put_number(struct line *l, uint64_t number) {
    char digits[DIGITS], *end = digits + DIGITS, *from = put_digits(end, number);
    put(l, span_of(from, (size_t)(end - from)));
}

// Milliseconds with three places of `us`.
static void put_time(struct line *l, uint64_t us) {
    char digits[DIGITS + 1], *end = digits + DIGITS + 1;
    unsigned rest = (unsigned)(us % 1000);
    put_digits(end, rest + 1000); // the 1 is where the point comes
    end[-4] = '.';
    char *from = put_digits(end - 4, us / 1000);
    put(l, span_of(from, (size_t)(end - from)));
}

static void put_text(struct line *l, const struct row *row, bool is_json, struct span text) {
    if ((size_t)(l->end - l->at) < row->most + 2) {
        l->end = l->at; // the line is full
        return;
    }
    if (is_json) {
        *l->at++ = '"';
    }
    if (row->kind == TEXT) {
        l->at += escape_text(is_json ? ESCAPE_JSON : ESCAPE_QUOTED, text, l->at, row->most);
    } else {
        l->at = copy(l->at, text.p, text.n < row->most ? text.n : row->most);
    }
    if (is_json) {
        *l->at++ = '"';
    }
}

static void put_value(struct line *l, const struct access_log *log, const struct access_entry *e,
                      enum access_field field) {
    const struct row *row = &rows[field];
    if ((e->known >> field & 1) == 0) {
        put(l, log->is_json ? SPAN("null") : SPAN("-"));
    } else if (row->kind == COUNT) {
        put_number(l, e->number[field]);
    } else if (row->kind == TIME) {
        put_time(l, e->number[field]);
    } else {
        put_text(l, row, log->is_json, e->text[field]);
    }
}

size_t access_log_format(const struct access_log *log, const struct access_entry *entry,
                         char out[ACCESS_LOG_LINE]) {
    struct line l = {out, out + ACCESS_LOG_LINE - 1};
    for (size_t i = 0; i < log->parts_n; i++) {
        put(&l, log->parts[i].text);
        if (log->parts[i].field != ENTRY_FIELDS) {
            put_value(&l, log, entry, log->parts[i].field);
        }
    }
    *l.at++ = '\n';
    return (size_t)(l.at - out);
}

bool access_log_wants(const struct access_log *log, int status, uint32_t draw) {
    return log->sample >= SAMPLE_ALL || status >= STATUS_FAILED || draw % SAMPLE_ALL < log->sample;
}

struct ip access_log_client(const struct access_log *log, const struct ip *client) {
    return ip_prefix(client, client->n == 4 ? log->ipv4_prefix : log->ipv6_prefix);
}
