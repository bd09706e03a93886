// SPDX-License-Identifier: MIT
#include "scan/html_tag.h"

#include "scan/media.h"

enum kind { KIND_NONE = 0, KIND_RAW = 1, KIND_HEAD = 2, KIND_BOTH = 3 };

static const struct {
    struct span name;
    enum kind kind;
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

// The elements that leave SVG and MathML (HTML, 13.2.6.5).
static const char leavers[] =
    " b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img "
    "li "
    "listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var ";

// ---- names --------------------------------------------------------------------------------------

static bool is_name(struct span a, struct span b) {
    return a.n == b.n && a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0;
}

enum html_element html_tag_element(struct span name) {
    // Most tags of a page are none of those, which their first letter tells.
    static const uint8_t firsts[26] = {
        ['b' - 'a'] = HTML_ELEMENT_BASE,          ['d' - 'a'] = HTML_ELEMENT_DESC,
        ['f' - 'a'] = HTML_ELEMENT_FOREIGNOBJECT, ['h' - 'a'] = HTML_ELEMENT_HEAD,
        ['i' - 'a'] = HTML_ELEMENT_IFRAME,        ['l' - 'a'] = HTML_ELEMENT_LINK,
        ['m' - 'a'] = HTML_ELEMENT_MATH,          ['n' - 'a'] = HTML_ELEMENT_NOEMBED,
        ['p' - 'a'] = HTML_ELEMENT_PICTURE,       ['s' - 'a'] = HTML_ELEMENT_SCRIPT,
        ['t' - 'a'] = HTML_ELEMENT_TEMPLATE,      ['x' - 'a'] = HTML_ELEMENT_XMP,
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
    case HTML_ELEMENT_BASE:
    case HTML_ELEMENT_IMG:
    case HTML_ELEMENT_LINK:
    case HTML_ELEMENT_META:
    case HTML_ELEMENT_SCRIPT:
    case HTML_ELEMENT_STYLE:
        return true;
    default:
        return false;
    }
}

struct span html_tag_name(enum html_element element) {
    return elements[element].name;
}

// ---- where in the document it is ----------------------------------------------------------------

bool html_tag_is_foreign(const struct html_scan *s) {
    return s->levels_n > 0 && (s->levels & 1) != 0;
}

static void enter(struct html_scan *s, bool is_foreign) {
    if (s->is_self_closing) {
        return;
    }
    if (s->levels_n == 32) {
        s->is_done = true;
        return;
    }
    s->levels = s->levels << 1 | is_foreign;
    s->levels_n++;
}

static void leave(struct html_scan *s) {
    s->levels >>= 1;
    s->levels_n--;
}

static void leave_foreign(struct html_scan *s) {
    while (html_tag_is_foreign(s)) {
        leave(s);
    }
}

static bool is_leaver(const struct html_scan *s) {
    char word[HTML_SCAN_NAME_MAX + 3] = " ";
    if (s->name_n > HTML_SCAN_NAME_MAX || memchr(s->name, ' ', s->name_n) != NULL) {
        return false;
    }
    memcpy(word + 1, s->name, s->name_n);
    word[s->name_n + 1] = ' ';
    return strstr(leavers, word) != NULL;
}

// A start tag in SVG or MathML that stays there.
static enum html_text_kind open_foreign(struct html_scan *s) {
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_SVG:
    case HTML_ELEMENT_MATH:
        enter(s, true);
        return HTML_TEXT_MARKUP;
    case HTML_ELEMENT_FOREIGNOBJECT:
    case HTML_ELEMENT_DESC:
        enter(s, false);
        return HTML_TEXT_MARKUP;
    case HTML_ELEMENT_SCRIPT:
    case HTML_ELEMENT_STYLE:
    case HTML_ELEMENT_TITLE:
        // Markup there, but none that fetches anything we tell.
        return s->is_self_closing ? HTML_TEXT_MARKUP : HTML_TEXT_RAW;
    default:
        return HTML_TEXT_MARKUP;
    }
}

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
    return span_eq_nocase(html_tag_trim(html_tag_value(s, attribute)), keyword);
}

bool html_tag_is_css(const struct html_scan *s) {
    return html_tag_value(s, HTML_TYPE).n == 0 || html_tag_is(s, HTML_TYPE, SPAN("text/css"));
}

bool html_tag_is_inert(const struct html_scan *s) {
    return s->templates > 0 || s->is_unreadable;
}

static enum html_text_kind text_kind(struct html_scan *s) {
    enum html_element element = (enum html_element)s->element;
    if (element == HTML_ELEMENT_STYLE) {
        s->is_style_conditional = !media_is_every_screen(html_tag_value(s, HTML_MEDIA));
        return !html_tag_is_inert(s) && html_tag_is_css(s) ? HTML_TEXT_STYLE : HTML_TEXT_RAW;
    }
    if (element == HTML_ELEMENT_SCRIPT) {
        return HTML_TEXT_SCRIPT;
    }
    if (element == HTML_ELEMENT_PLAINTEXT) {
        return HTML_TEXT_END;
    }
    return elements[element].kind & KIND_RAW ? HTML_TEXT_RAW : HTML_TEXT_MARKUP;
}

enum html_text_kind html_tag_open(struct html_scan *s) {
    if (html_tag_is_foreign(s)) {
        if (!is_leaver(s)) {
            return open_foreign(s);
        }
        leave_foreign(s);
    }
    s->in_body |= !(elements[s->element].kind & KIND_HEAD);
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_SVG:
    case HTML_ELEMENT_MATH:
        enter(s, true);
        break;
    case HTML_ELEMENT_TEMPLATE:
        s->is_done |= s->templates == UINT8_MAX;
        s->templates++;
        break;
    case HTML_ELEMENT_PICTURE:
        s->in_picture = true;
        break;
    default:
        break;
    }
    return text_kind(s);
}

void html_tag_close(struct html_scan *s) {
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_HEAD:
        s->in_body |= !html_tag_is_foreign(s);
        break;
    case HTML_ELEMENT_TEMPLATE:
        s->templates -= s->templates > 0 && !html_tag_is_foreign(s);
        break;
    case HTML_ELEMENT_PICTURE:
        s->in_picture = false;
        break;
    case HTML_ELEMENT_SVG:
    case HTML_ELEMENT_MATH:
        while (s->levels_n > 0 && !html_tag_is_foreign(s)) {
            leave(s);
        }
        if (s->levels_n > 0) {
            leave(s);
        }
        break;
    case HTML_ELEMENT_FOREIGNOBJECT:
    case HTML_ELEMENT_DESC:
        if (s->levels_n > 0 && !html_tag_is_foreign(s)) {
            leave(s);
        }
        break;
    default:
        break;
    }
}
