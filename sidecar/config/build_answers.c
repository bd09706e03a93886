// SPDX-License-Identifier: MIT
#include "config/build_answers.h"

#include "http/field.h"

// The options of the two sections that have them.
struct answers_options {
    enum option allow, deny, headers, pages;
};

static const struct answers_options of_site = {OPTION_SITE_ALLOW_FROM, OPTION_SITE_DENY_FROM,
                                               OPTION_SITE_HEADERS, OPTION_SITE_ERROR_PAGES};
static const struct answers_options of_route = {OPTION_ROUTE_ALLOW_FROM, OPTION_ROUTE_DENY_FROM,
                                                OPTION_ROUTE_HEADERS, OPTION_ROUTE_ERROR_PAGES};

const struct ip_net *build_networks(struct build *b, const struct file_section *s, enum option id,
                                    size_t *n) {
    struct span_list texts = build_list(b, s, id);
    struct ip_net *networks = build_alloc(b, texts.n * sizeof *networks);
    for (size_t i = 0; i < texts.n; i++) {
        if (!ip_net_parse(&networks[i], texts.v[i])) {
            config_errors_put(b->errors, file_line(s, id),
                              "%s \"%.*s\" is neither an IP address nor a network such as "
                              "10.0.0.0/8 without bits behind its prefix",
                              option_row(id)->name, SPAN_ARG(texts.v[i]));
        }
    }
    *n = texts.n;
    return networks;
}

// ---- header fields ------------------------------------------------------------------------------

// Fields that frame the message or speak of the connection: nobody but the front may say them.
static bool is_ours(struct span name) {
    return field_is_connection_specific(name) || span_eq_nocase(name, SPAN("content-length")) ||
           span_eq_nocase(name, SPAN("trailer")) || span_eq_nocase(name, SPAN("date"));
}

static enum field_change_kind kind_of(struct span *text) {
    static const char marks[] = "+?-";
    static const enum field_change_kind kinds[] = {FIELD_ADD, FIELD_DEFAULT, FIELD_REMOVE};
    const char *mark = text->n > 0 && text->p[0] > 0 ? strchr(marks, text->p[0]) : NULL;
    if (mark == NULL) {
        return FIELD_SET;
    }
    *text = span_skip(*text, 1);
    return kinds[mark - marks];
}

// change = [ "+" / "?" ] field-name ":" OWS field-value / "-" field-name
static const char *read_change(struct build *b, struct span text, struct field_change *out) {
    out->kind = kind_of(&text);
    size_t colon = out->kind == FIELD_REMOVE ? text.n : span_index(text, ':');
    struct span name = span_first(text, colon);
    out->value = span_trim(span_skip(text, colon + 1));
    if (!field_is_name(name) || (colon == text.n && out->kind != FIELD_REMOVE)) {
        return "a field is written \"Name: value\", \"+Name: value\" to add one, \"?Name: value\" "
               "where there is none, or \"-Name\" to remove it";
    }
    if (is_ours(name)) {
        return "this field says how the message is sent, which only Outrider knows";
    }
    if (!field_is_value(out->value)) {
        return "a control character stands in the value";
    }
    out->name = field_lower(name, build_alloc(b, name.n));
    return NULL;
}

static void build_headers(struct build *b, const struct file_section *s, enum option id,
                          struct site_answers *answers) {
    struct span_list texts = build_list(b, s, id);
    struct field_change *changes = build_alloc(b, texts.n * sizeof *changes);
    for (size_t i = 0; i < texts.n; i++) {
        const char *why = read_change(b, texts.v[i], &changes[i]);
        if (why != NULL) {
            config_errors_put(b->errors, file_line(s, id), "headers \"%.*s\": %s",
                              SPAN_ARG(texts.v[i]), why);
        }
    }
    answers->changes = changes;
    answers->changes_n = texts.n;
}

// ---- pages --------------------------------------------------------------------------------------

// page = 1*( status SP ) path
static bool read_page(struct span text, struct error_page *pages, size_t *n) {
    struct span rest = text, word, path = SPAN("");
    size_t first = *n;
    uint64_t status;
    while (path.n == 0 && span_cut(&rest, ' ', &word)) {
        if (span_to_u64(word, &status) && status >= 400 && status <= 599) {
            pages[(*n)++].status = (int)status;
        } else if (word.n > 0) {
            path = word;
        }
    }
    for (size_t i = first; i < *n; i++) {
        pages[i].path = path;
    }
    return *n > first && path.n > 1 && path.p[0] == '/' && rest.n == 0;
}

static void build_pages(struct build *b, const struct file_section *s, enum option id,
                        struct site_answers *answers) {
    struct span_list texts = build_list(b, s, id);
    size_t most = 0;
    for (size_t i = 0; i < texts.n; i++) {
        most += texts.v[i].n; // more than there are statuses
    }
    struct error_page *pages = build_alloc(b, most * sizeof *pages);
    for (size_t i = 0; i < texts.n; i++) {
        if (!read_page(texts.v[i], pages, &answers->pages_n)) {
            config_errors_put(b->errors, file_line(s, id),
                              "error-pages \"%.*s\": write statuses from 400 to 599 and a path of "
                              "this site: \"404 /404.html\", \"502 503 /down.html\"",
                              SPAN_ARG(texts.v[i]));
        }
    }
    answers->pages = pages;
}

void build_answers(struct build *b, const struct file_section *s, struct site_answers *answers) {
    const struct answers_options *o = s->id == SECTION_SITE ? &of_site : &of_route;
    answers->allowed = build_networks(b, s, o->allow, &answers->allowed_n);
    answers->denied = build_networks(b, s, o->deny, &answers->denied_n);
    build_headers(b, s, o->headers, answers);
    build_pages(b, s, o->pages, answers);
}
