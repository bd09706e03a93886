// SPDX-License-Identifier: MIT
#include "scan/html_tag.h"

#include "base/fnv.h"
#include "http/mime.h"
#include "scan/media.h"
#include "scan/reference.h"

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

static struct span trim(struct span text) {
    while (text.n > 0 && memchr(" \t\n\f\r", text.p[0], 5) != NULL) {
        text = span_skip(text, 1);
    }
    while (text.n > 0 && memchr(" \t\n\f\r", text.p[text.n - 1], 5) != NULL) {
        text.n--;
    }
    return text;
}

static bool has(const struct html_scan *s, enum html_attribute attribute) {
    return (s->has & 1U << attribute) != 0;
}

// The value of an attribute, empty when it is not there.
static struct span value(const struct html_scan *s, enum html_attribute attribute) {
    return has(s, attribute) ? span_of(s->store + s->value[attribute].at, s->value[attribute].n)
                             : span_of(NULL, 0);
}

static bool is(const struct html_scan *s, enum html_attribute attribute, struct span keyword) {
    return span_eq_nocase(trim(value(s, attribute)), keyword);
}

static bool is_css(const struct html_scan *s) {
    return value(s, HTML_TYPE).n == 0 || is(s, HTML_TYPE, SPAN("text/css"));
}

static bool is_inert(const struct html_scan *s) {
    return s->templates > 0 || s->is_unreadable;
}

static enum html_text_kind text_kind(struct html_scan *s) {
    enum html_element element = (enum html_element)s->element;
    if (element == HTML_ELEMENT_STYLE) {
        s->is_style_conditional = !media_is_every_screen(value(s, HTML_MEDIA));
        return !is_inert(s) && is_css(s) ? HTML_TEXT_STYLE : HTML_TEXT_RAW;
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

// ---- what is fetched ----------------------------------------------------------------------------

static void set(struct link *link, enum link_attribute attribute, struct span text) {
    link->has |= 1U << attribute;
    link->has_value |= text.n > 0 ? 1U << attribute : 0;
    link->value[attribute] = text;
}

// Copies what a link says of how it is to be fetched.
static void set_details(const struct html_scan *s, struct link *link) {
    struct span priority = trim(value(s, HTML_FETCHPRIORITY));
    struct span integrity = trim(value(s, HTML_INTEGRITY));
    if (has(s, HTML_CROSSORIGIN)) { // every other keyword means anonymous
        bool with = is(s, HTML_CROSSORIGIN, SPAN("use-credentials"));
        set(link, LINK_CROSSORIGIN, with ? SPAN("use-credentials") : SPAN(""));
    }
    if (span_eq_nocase(priority, SPAN("high"))) {
        set(link, LINK_FETCHPRIORITY, SPAN("high"));
    } else if (span_eq_nocase(priority, SPAN("low"))) {
        set(link, LINK_FETCHPRIORITY, SPAN("low"));
    }
    if (integrity.n > 0) {
        set(link, LINK_INTEGRITY, integrity);
    }
}

// Puts the URL of an attribute behind the values in the store. False when there is none to fetch.
static bool point(struct html_scan *s, enum html_attribute attribute, struct span *target) {
    uint8_t *out = s->store + s->used;
    size_t n = reference_clean(value(s, attribute), out, sizeof s->store - s->used);
    *target = span_of(out, n);
    return n > 0 && !reference_is_inline(*target);
}

static bool make_link(struct html_scan *s, enum html_attribute url, struct span rel, struct span as,
                      struct html_item *out) {
    out->kind = HTML_LINK;
    set(&out->link, LINK_REL, rel);
    if (as.n > 0) {
        set(&out->link, LINK_AS, as);
    }
    set_details(s, &out->link);
    return point(s, url, &out->link.target);
}

// The list of blank-separated keywords has this one.
static bool has_rel(const struct html_scan *s, struct span keyword) {
    struct span rest = value(s, HTML_REL);
    while ((rest = trim(rest)).n > 0) {
        size_t n = 0;
        while (n < rest.n && memchr(" \t\n\f\r", rest.p[n], 5) == NULL) {
            n++;
        }
        if (span_eq_nocase(span_first(rest, n), keyword)) {
            return true;
        }
        rest = span_skip(rest, n);
    }
    return false;
}

// The first title names the set of stylesheets that is preferred; those of others are fetched late
// (CSSOM, 6.2).
static bool is_preferred(struct html_scan *s) {
    struct span title = value(s, HTML_TITLE);
    if (title.n == 0) {
        return true;
    }
    if (!s->has_title) {
        s->has_title = true;
        s->title = fnv_put(FNV_START, title);
    }
    return s->title == fnv_put(FNV_START, title);
}

static bool stylesheet(struct html_scan *s, struct html_item *out) {
    bool is_alternate = has_rel(s, SPAN("alternate"));
    if (!is_css(s)) {
        return false;
    }
    out->is_conditional |= is_alternate || has(s, HTML_DISABLED) || !is_preferred(s);
    return make_link(s, HTML_HREF, SPAN("preload"), SPAN("style"), out);
}

static bool preload(struct html_scan *s, struct html_item *out) {
    struct span type = trim(value(s, HTML_TYPE)), as = trim(value(s, HTML_AS));
    bool is_learned = span_eq_nocase(as, SPAN("style")) || span_eq_nocase(as, SPAN("font"));
    if (type.n > 0) {
        set(&out->link, LINK_TYPE, type);
    }
    return has(s, HTML_AS) && (!out->is_conditional || is_learned) &&
           make_link(s, HTML_HREF, SPAN("preload"), as, out);
}

static bool link_element(struct html_scan *s, struct html_item *out) {
    out->is_conditional = !media_is_every_screen(value(s, HTML_MEDIA));
    if (has_rel(s, SPAN("stylesheet"))) {
        return !has(s, HTML_IMAGESRCSET) && stylesheet(s, out);
    }
    if (has(s, HTML_IMAGESRCSET)) {
        return false;
    }
    out->is_late = true;
    if (has_rel(s, SPAN("preload")) && !has_rel(s, SPAN("modulepreload"))) {
        return preload(s, out);
    }
    if (out->is_conditional) {
        return false;
    }
    if (has_rel(s, SPAN("modulepreload"))) {
        return make_link(s, HTML_HREF, SPAN("modulepreload"), trim(value(s, HTML_AS)), out);
    }
    return has_rel(s, SPAN("preconnect")) &&
           make_link(s, HTML_HREF, SPAN("preconnect"), SPAN(""), out);
}

// "Prepare the script element" (HTML, 4.12.1.1): the type, or else the language, which is one of
// text/.
static bool is_classic(const struct html_scan *s) {
    struct span type = value(s, HTML_TYPE), language = value(s, HTML_LANGUAGE);
    if (has(s, HTML_TYPE)) {
        return type.n == 0 || mime_is_javascript(trim(type));
    }
    uint8_t text[32] = "text/";
    if (language.n == 0) {
        return true;
    }
    if (language.n > sizeof text - 5) {
        return false;
    }
    memcpy(text + 5, language.p, language.n);
    return mime_is_javascript(span_of(text, language.n + 5));
}

static bool script_element(struct html_scan *s, struct html_item *out) {
    if (is(s, HTML_TYPE, SPAN("module"))) {
        out->is_late = true;
        return make_link(s, HTML_SRC, SPAN("modulepreload"), SPAN(""), out);
    }
    out->is_late = has(s, HTML_ASYNC) || has(s, HTML_DEFER);
    return is_classic(s) && !has(s, HTML_NOMODULE) &&
           make_link(s, HTML_SRC, SPAN("preload"), SPAN("script"), out);
}

static bool img_element(struct html_scan *s, struct html_item *out) {
    out->is_late = true;
    return is(s, HTML_FETCHPRIORITY, SPAN("high")) && !has(s, HTML_SRCSET) && !s->in_picture &&
           !is(s, HTML_LOADING, SPAN("lazy")) &&
           make_link(s, HTML_SRC, SPAN("preload"), SPAN("image"), out);
}

static bool meta_element(struct html_scan *s, struct html_item *out) {
    out->kind = HTML_POLICY;
    out->text = trim(value(s, HTML_CONTENT));
    return !s->in_body && is(s, HTML_HTTP_EQUIV, SPAN("content-security-policy")) &&
           out->text.n > 0;
}

static bool base_element(struct html_scan *s, struct html_item *out) {
    out->kind = HTML_BASE;
    if (s->has_base || !has(s, HTML_HREF)) {
        return false;
    }
    s->has_base = true; // also when its URL is of no use
    return point(s, HTML_HREF, &out->text);
}

bool html_tag_item(struct html_scan *s, struct html_item *out) {
    *out = (struct html_item){.in_body = s->in_body};
    if (is_inert(s) || html_tag_is_foreign(s)) {
        return false;
    }
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_BASE:
        return base_element(s, out);
    case HTML_ELEMENT_IMG:
        return img_element(s, out);
    case HTML_ELEMENT_LINK:
        return link_element(s, out);
    case HTML_ELEMENT_META:
        return meta_element(s, out);
    case HTML_ELEMENT_SCRIPT:
        return script_element(s, out);
    default:
        return false;
    }
}

bool html_tag_css_item(const struct html_scan *s, const struct css_item *item,
                       struct html_item *out) {
    if (item->kind == CSS_FONT && s->is_style_conditional) {
        return false; // fetched where the stylesheet applies only
    }
    *out = (struct html_item){.kind = item->kind == CSS_FONT ? HTML_FONT : HTML_LINK,
                              .link = {.target = item->url},
                              .in_body = s->in_body,
                              .is_latin = item->is_latin,
                              .is_conditional = item->is_conditional || s->is_style_conditional};
    set(&out->link, LINK_REL, SPAN("preload"));
    set(&out->link, LINK_AS, item->kind == CSS_FONT ? SPAN("font") : SPAN("style"));
    if (item->kind == CSS_FONT) {
        set(&out->link, LINK_CROSSORIGIN, SPAN("")); // fonts are always fetched with CORS
    }
    if (item->type.n > 0) {
        set(&out->link, LINK_TYPE, item->type);
    }
    return true;
}
