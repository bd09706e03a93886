// SPDX-License-Identifier: MIT
#include "config/build_check.h"

void build_check(struct build *b, const struct file_section *s, enum option id,
                 struct span_list list, const char *(*why)(struct span)) {
    for (size_t i = 0; i < list.n; i++) {
        if (why(list.v[i]) != NULL) {
            config_errors_put(b->errors, file_line(s, id), "\"%.*s\": %s", SPAN_ARG(list.v[i]),
                              why(list.v[i]));
        }
    }
}

const char *build_why_no_pattern(struct span s) {
    if (s.n == 0 || (s.p[0] != '/' && s.p[0] != '*')) {
        return "a pattern of paths begins with / or *";
    }
    return span_index(s, '?') == s.n ? NULL : "a pattern is of paths; the query is not part of it";
}

// A client's header fields are HTTP_*: nobody else may say what they are. Names are of any case:
// applications look for their own.
const char *build_why_no_param(struct span s) {
    size_t n = span_index(s, '=');
    if (n == 0 || n == s.n) {
        return "a parameter is written NAME=value";
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t c = span_lower_byte(s.p[i]);
        bool is_letter = (c >= 'a' && c <= 'z') || c == '_';
        if (!is_letter && (i == 0 || s.p[i] < '0' || s.p[i] > '9')) {
            return "a parameter's name is made of letters, digits and _";
        }
    }
    return span_eq_nocase(span_first(s, 5), SPAN("HTTP_"))
               ? "HTTP_* is what the client's fields become"
               : NULL;
}
