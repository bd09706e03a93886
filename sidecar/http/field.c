// SPDX-License-Identifier: MIT
#include "http/field.h"

#include "base/tchar.h"

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t';
}

// field-value = *field-content, field-content = field-vchar [ 1*( SP / HTAB / field-vchar )
// field-vchar ], field-vchar = VCHAR / obs-text (RFC 9110, 5.5)
bool field_is_value(struct span s) {
    if (s.n == 0) {
        return true;
    }
    if (is_blank(s.p[0]) || is_blank(s.p[s.n - 1])) {
        return false;
    }
    return tchar_is_text(s);
}

bool field_is_connection_specific(struct span name) {
    static const struct span names[] = {
        SPAN_INIT("connection"),     SPAN_INIT("keep-alive"),        SPAN_INIT("proxy-connection"),
        SPAN_INIT("upgrade"),        SPAN_INIT("transfer-encoding"), SPAN_INIT("te"),
        SPAN_INIT("http2-settings"),
    };
    const uint32_t lengths = 1u << 2 | 1u << 7 | 1u << 10 | 1u << 14 | 1u << 16 | 1u << 17;
    if (name.n > 17 || (lengths >> name.n & 1) == 0) {
        return false; // most
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool field_is_digest(struct span name) {
    return span_eq_nocase(name, SPAN("content-digest")) ||
           span_eq_nocase(name, SPAN("repr-digest")) || span_eq_nocase(name, SPAN("digest")) ||
           span_eq_nocase(name, SPAN("content-md5"));
}

struct span field_lower(struct span s, uint8_t *out) {
    for (size_t i = 0; i < s.n; i++) {
        out[i] = span_lower_byte(s.p[i]);
    }
    return span_of(out, s.n);
}

// Where the first `end` outside of quoted strings stands, or s.n. An open quoted string reaches to
// the end.
//
// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE (RFC 9110, 5.6.4)
static size_t find_unquoted(struct span s, uint8_t end) {
    bool is_quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '"') {
            is_quoted = !is_quoted;
        } else if (c == '\\' && is_quoted) {
            i++;
        } else if (c == end && !is_quoted) {
            return i;
        }
    }
    return s.n;
}

static bool cut_unquoted(struct span *rest, uint8_t end, struct span *part) {
    if (rest->p == NULL) {
        return false;
    }
    size_t at = find_unquoted(*rest, end);
    *part = span_trim(span_first(*rest, at));
    *rest = at < rest->n ? span_skip(*rest, at + 1) : (struct span){NULL, 0};
    return true;
}

// list = [ element ] *( OWS "," OWS [ element ] ) (RFC 9110, 5.6.1.2)
bool field_next_element(struct span *rest, struct span *element) {
    while (cut_unquoted(rest, ',', element)) {
        if (element->n > 0) {
            return true;
        }
    }
    return false;
}

bool field_next_part(struct span *rest, struct span *part) {
    return cut_unquoted(rest, ';', part);
}

size_t field_find(const struct pairs *fields, struct span name, size_t from) {
    while (from < fields->n && !span_eq_nocase(fields->v[from].name, name)) {
        from++;
    }
    return from;
}

bool field_has_token(const struct pairs *fields, struct span name, struct span token) {
    for (size_t i = field_find(fields, name, 0); i < fields->n;
         i = field_find(fields, name, i + 1)) {
        struct span rest = fields->v[i].value, element;
        while (field_next_element(&rest, &element)) {
            if (span_eq_nocase(element, token)) {
                return true;
            }
        }
    }
    return false;
}
