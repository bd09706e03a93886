// SPDX-License-Identifier: MIT
#include "hints/link.h"

#include "base/tchar.h"
#include "http/field.h"

static const struct span attribute_names[LINK_ATTRIBUTES] = {
#define ATTRIBUTE(constant, name) [LINK_##constant] = SPAN_INIT(name),
#include "hints/link_attribute.def"
#undef ATTRIBUTE
};

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t';
}

static bool is_control(uint8_t c) {
    return c < 0x20 || c == 0x7f;
}

static void advance(struct link_reader *r, size_t n) {
    r->rest = span_skip(r->rest, n);
}

static void skip_blanks(struct link_reader *r) {
    while (r->rest.n > 0 && is_blank(r->rest.p[0])) {
        advance(r, 1);
    }
}

static bool is_at(const struct link_reader *r, uint8_t c) {
    return r->rest.n > 0 && r->rest.p[0] == c;
}

// At the end of this link: a comma or nothing.
static bool is_at_end(const struct link_reader *r) {
    return r->rest.n == 0 || r->rest.p[0] == ',';
}

void link_init(struct link_reader *reader, struct span value, struct arena *arena) {
    *reader = (struct link_reader){.rest = value, .arena = arena};
}

// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE (RFC 9110, 5.6.4)
//
// The length of the one at the front with both quotes, or 0 when it is never closed. Then no later
// quote is closed either (the scan from any of them would have run over the same bytes), which is
// remembered so that hostile input is not scanned again and again.
static size_t quoted_len(struct link_reader *r) {
    for (size_t i = 1; i < r->rest.n && !r->is_unclosed; i++) {
        if (r->rest.p[i] == '"') {
            return i + 1;
        }
        i += r->rest.p[i] == '\\';
    }
    r->is_unclosed = true;
    return 0;
}

// Takes what is between the quotes, without the backslashes of quoted-pairs.
static bool take_quoted(struct link_reader *r, struct span *value) {
    size_t len = quoted_len(r);
    if (len == 0) {
        advance(r, 1);
        return false;
    }
    struct span inner = span_of(r->rest.p + 1, len - 2);
    advance(r, len);
    for (size_t i = 0; i < inner.n; i++) {
        if (is_control(inner.p[i]) && inner.p[i] != '\t') {
            return false;
        }
    }
    *value = inner;
    if (span_index(inner, '\\') == inner.n) {
        return true;
    }
    uint8_t *to = arena_alloc(r->arena, inner.n);
    if (to == NULL) {
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < inner.n; i++) {
        i += inner.p[i] == '\\';
        to[n++] = inner.p[i];
    }
    *value = span_of(to, n);
    return true;
}

// Everything up to the next separator: more than a token, since "type=text/css" is what people
// write and what browsers read.
static bool take_unquoted(struct link_reader *r, struct span *value) {
    size_t n = 0;
    while (n < r->rest.n && !is_blank(r->rest.p[n]) && r->rest.p[n] != ';' && r->rest.p[n] != ',') {
        uint8_t c = r->rest.p[n];
        if (is_control(c) || c == '"' || c == '<') {
            advance(r, n);
            return false;
        }
        n++;
    }
    *value = span_first(r->rest, n);
    advance(r, n);
    return true;
}

static void note(struct link *link, struct span name, const struct span *value) {
    for (unsigned i = 0; i < LINK_ATTRIBUTES; i++) {
        if (!span_eq_nocase(name, attribute_names[i])) {
            continue;
        }
        if ((link->has & 1U << i) == 0) {
            link->has |= 1U << i;
            link->has_value |= value ? 1U << i : 0;
            link->value[i] = value ? *value : (struct span){0};
        }
        return;
    }
    link->others++;
}

// link-param = token BWS [ "=" BWS ( token / quoted-string ) ]
static bool take_param(struct link_reader *r, struct link *link) {
    size_t n = 0;
    while (n < r->rest.n && tchar_is(r->rest.p[n])) {
        n++;
    }
    struct span name = span_first(r->rest, n);
    struct span value;
    advance(r, n);
    skip_blanks(r);
    if (n == 0) {
        return false;
    }
    if (!is_at(r, '=')) {
        note(link, name, NULL);
        return true;
    }
    advance(r, 1);
    skip_blanks(r);
    if (!(is_at(r, '"') ? take_quoted(r, &value) : take_unquoted(r, &value))) {
        return false;
    }
    note(link, name, &value);
    return true;
}

// *( OWS ";" OWS [ link-param ] )
static bool take_params(struct link_reader *r, struct link *link) {
    for (;;) {
        skip_blanks(r);
        if (is_at_end(r)) {
            return true;
        }
        if (!is_at(r, ';')) {
            return false;
        }
        advance(r, 1);
        skip_blanks(r);
        if (!is_at_end(r) && !is_at(r, ';') && !take_param(r, link)) {
            return false;
        }
    }
}

// "<" URI-Reference ">". Blanks at its edges are forgiven. When it is broken, only the "<" is
// taken, so that a link without ">" does not swallow the one behind it.
static bool take_target(struct link_reader *r, struct link *link) {
    if (!is_at(r, '<')) {
        return false;
    }
    advance(r, 1);
    for (size_t i = 0; i < r->rest.n; i++) {
        uint8_t c = r->rest.p[i];
        if (c == '>') {
            link->target = span_trim(span_first(r->rest, i));
            advance(r, i + 1);
            return span_index(link->target, ' ') == link->target.n;
        }
        if (c == '<' || c == '"' || is_control(c)) {
            return false;
        }
    }
    return false;
}

// Goes to the next comma that is neither quoted nor in <>.
static void skip_broken(struct link_reader *r) {
    while (!is_at_end(r)) {
        size_t n = 1;
        if (is_at(r, '"')) {
            size_t len = quoted_len(r);
            n = len ? len : 1;
        } else if (is_at(r, '<')) {
            while (n < r->rest.n && r->rest.p[n] != '<' && r->rest.p[n] != '>') {
                n++;
            }
            n = n < r->rest.n && r->rest.p[n] == '>' ? n + 1 : 1;
        }
        advance(r, n);
    }
}

// Link = #link-value; an empty list element is nothing (RFC 9110, 5.6.1.2)
// link-value = "<" URI-Reference ">" *( OWS ";" OWS [ link-param ] )
enum step link_next(struct link_reader *reader, struct link *out) {
    for (;;) {
        skip_blanks(reader);
        while (is_at(reader, ',')) {
            advance(reader, 1);
            skip_blanks(reader);
        }
        if (reader->rest.n == 0) {
            return STEP_MORE;
        }
        const uint8_t *start = reader->rest.p;
        *out = (struct link){.has = 0};
        if (take_target(reader, out) && take_params(reader, out)) {
            out->raw = span_trim(span_of(start, (size_t)(reader->rest.p - start)));
            return STEP_ITEM;
        }
        reader->broken++;
        skip_broken(reader);
    }
}

// relation-types = relation-type *( 1*SP relation-type ) (RFC 8288, 3.3)
bool link_has_rel(const struct link *link, struct span type) {
    struct span rest = link->value[LINK_REL], part;
    while (span_cut(&rest, ' ', &part)) {
        if (span_eq_nocase(span_trim(part), type)) {
            return true;
        }
    }
    return false;
}

bool link_eq(const struct link *a, const struct link *b) {
    if (span_eq(a->raw, b->raw) && a->raw.n > 0) {
        return true;
    }
    if (a->has != b->has || a->has_value != b->has_value || a->others + b->others > 0 ||
        !span_eq(a->target, b->target)) {
        return false;
    }
    for (unsigned i = 0; i < LINK_ATTRIBUTES; i++) {
        if (!span_eq(a->value[i], b->value[i])) {
            return false;
        }
    }
    return true;
}

// Writes into out[0, cap); n goes on counting when that is full.
struct pen {
    uint8_t *out;
    size_t n, cap;
    bool is_bad;
};

static void put_byte(struct pen *pen, uint8_t c) {
    pen->is_bad |= c < 0x20 || c > 0x7e;
    if (pen->n < pen->cap) {
        pen->out[pen->n] = c;
    }
    pen->n++;
}

static void put(struct pen *pen, struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        put_byte(pen, s.p[i]);
    }
}

static void put_value(struct pen *pen, struct span value) {
    put_byte(pen, '=');
    if (tchar_is_token(value)) {
        put(pen, value);
        return;
    }
    put_byte(pen, '"');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\') {
            put_byte(pen, '\\');
        }
        put_byte(pen, value.p[i]);
    }
    put_byte(pen, '"');
}

size_t link_format(const struct link *link, uint8_t *out, size_t cap) {
    struct pen pen = {.out = out, .cap = cap};
    for (size_t i = 0; i < link->target.n; i++) {
        uint8_t c = link->target.p[i];
        pen.is_bad |= c == ' ' || c == '<' || c == '>' || c == '"';
    }
    put_byte(&pen, '<');
    put(&pen, link->target);
    put_byte(&pen, '>');
    for (unsigned i = 0; i < LINK_ATTRIBUTES; i++) {
        if ((link->has & 1U << i) == 0) {
            continue;
        }
        put(&pen, SPAN("; "));
        put(&pen, attribute_names[i]);
        if ((link->has_value & 1U << i) != 0) {
            put_value(&pen, link->value[i]);
        }
    }
    return pen.is_bad || pen.n > cap ? 0 : pen.n;
}
