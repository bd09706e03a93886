// SPDX-License-Identifier: MIT
#include "scan/html_tag.h"

#include "http/mime.h"

enum {
    KIND_NONE = 0,
    KIND_RAW = HTML_KIND_RAW,
    KIND_HEAD = HTML_KIND_HEAD,
    KIND_BOTH = HTML_KIND_RAW | HTML_KIND_HEAD
};

static const struct {
    struct span name;
    uint8_t kind;
} elements[HTML_ELEMENTS] = {
#define ELEMENT(constant, name, kind) [HTML_ELEMENT_##constant] = {SPAN_INIT(name), KIND_##kind},
#include "scan/html_element.def"
#undef ELEMENT
};

static const struct {
    struct span name;
    bool keeps;
} attributes[HTML_ATTRIBUTES] = {
#define ATTRIBUTE(constant, name, keeps) [HTML_##constant] = {SPAN_INIT(name), keeps},
#include "scan/html_attribute.def"
#undef ATTRIBUTE
};

// ---- names --------------------------------------------------------------------------------------

static bool is_name(struct span a, struct span b) {
    return a.n == b.n && a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0;
}

enum html_element html_tag_element(struct span name) {
    // Most tags of a page are none of those, which their first letter tells.
    static const uint8_t firsts[26] = {
        ['a' - 'a'] = HTML_ELEMENT_ANNOTATION_XML,
        ['b' - 'a'] = HTML_ELEMENT_BASE,
        ['d' - 'a'] = HTML_ELEMENT_DESC,
        ['f' - 'a'] = HTML_ELEMENT_FOREIGNOBJECT,
        ['h' - 'a'] = HTML_ELEMENT_HEAD,
        ['i' - 'a'] = HTML_ELEMENT_IFRAME,
        ['l' - 'a'] = HTML_ELEMENT_LINK,
        ['m' - 'a'] = HTML_ELEMENT_MATH,
        ['n' - 'a'] = HTML_ELEMENT_NOEMBED,
        ['p' - 'a'] = HTML_ELEMENT_PICTURE,
        ['s' - 'a'] = HTML_ELEMENT_SCRIPT,
        ['t' - 'a'] = HTML_ELEMENT_TEMPLATE,
        ['x' - 'a'] = HTML_ELEMENT_XMP,
    };
    uint8_t i = name.n > 0 && name.p[0] >= 'a' && name.p[0] <= 'z' ? firsts[name.p[0] - 'a'] : 0;
    if (i == 0) {
        return HTML_ELEMENT_OTHER;
    }
    for (; i < HTML_ELEMENTS && elements[i].name.p[0] == name.p[0]; i++) {
        if (is_name(elements[i].name, name)) {
            return (enum html_element)i;
        }
    }
    return HTML_ELEMENT_OTHER;
}

enum html_attribute html_tag_attribute(struct span name) {
    unsigned i = 0;
    while (i < HTML_ATTRIBUTES && (name.n == 0 || !is_name(attributes[i].name, name))) {
        i++;
    }
    return (enum html_attribute)i;
}

bool html_tag_keeps(enum html_attribute attribute) {
    return attribute < HTML_ATTRIBUTES && attributes[attribute].keeps;
}

bool html_tag_has_attributes(enum html_element element) {
    switch (element) {
    case HTML_ELEMENT_ANNOTATION_XML:
    case HTML_ELEMENT_BASE:
    case HTML_ELEMENT_IMG:
    case HTML_ELEMENT_LINK:
    case HTML_ELEMENT_META:
    case HTML_ELEMENT_SCRIPT:
    case HTML_ELEMENT_STYLE:
    case HTML_ELEMENT_TEMPLATE:
        return true;
    default:
        return false;
    }
}

struct span html_tag_name(enum html_element element) {
    return elements[element].name;
}

// ---- attributes ---------------------------------------------------------------------------------

struct span html_tag_trim(struct span text) {
    while (text.n > 0 && memchr(" \t\n\f\r", text.p[0], 5) != NULL) {
        text = span_skip(text, 1);
    }
    while (text.n > 0 && memchr(" \t\n\f\r", text.p[text.n - 1], 5) != NULL) {
        text.n--;
    }
    return text;
}

bool html_tag_has(const struct html_scan *s, enum html_attribute attribute) {
    return (s->has & 1U << attribute) != 0;
}

struct span html_tag_value(const struct html_scan *s, enum html_attribute attribute) {
    return html_tag_has(s, attribute)
               ? span_of(s->store + s->value[attribute].at, s->value[attribute].n)
               : span_of(NULL, 0);
}

bool html_tag_is(const struct html_scan *s, enum html_attribute attribute, struct span keyword) {
    return span_eq_nocase(html_tag_value(s, attribute), keyword);
}

bool html_tag_is_css(const struct html_scan *s) {
    struct span essence = mime_essence(html_tag_value(s, HTML_TYPE));
    return essence.n == 0 || span_eq_nocase(essence, SPAN("text/css"));
}

unsigned html_tag_kind(enum html_element element) {
    return elements[element].kind;
}
