// SPDX-License-Identifier: MIT
#include "scan/html_link.h"

#include "base/fnv.h"
#include "http/mime.h"
#include "scan/html_place.h"
#include "scan/html_tag.h"
#include "scan/media.h"
#include "scan/reference.h"

static void set(struct link *link, enum link_attribute attribute, struct span text) {
    link->has |= 1U << attribute;
    link->has_value |= text.n > 0 ? 1U << attribute : 0;
    link->value[attribute] = text;
}

// Copies what a link says of how it is to be fetched.
static void set_details(const struct html_scan *s, struct link *link) {
    struct span integrity = html_tag_trim(html_tag_value(s, HTML_INTEGRITY));
    if (html_tag_has(s, HTML_CROSSORIGIN)) { // every other keyword means anonymous
        bool with = html_tag_is(s, HTML_CROSSORIGIN, SPAN("use-credentials"));
        set(link, LINK_CROSSORIGIN, with ? SPAN("use-credentials") : SPAN(""));
    }
    if (html_tag_is(s, HTML_FETCHPRIORITY, SPAN("high"))) {
        set(link, LINK_FETCHPRIORITY, SPAN("high"));
    } else if (html_tag_is(s, HTML_FETCHPRIORITY, SPAN("low"))) {
        set(link, LINK_FETCHPRIORITY, SPAN("low"));
    }
    if (integrity.n > 0) {
        set(link, LINK_INTEGRITY, integrity);
    }
}

// Puts the URL of an attribute behind the values in the store. False when there is none to fetch.
static bool point(struct html_scan *s, enum html_attribute attribute, struct span *target) {
    uint8_t *out = s->store + s->used;
    size_t n = reference_clean(html_tag_value(s, attribute), out, sizeof s->store - s->used);
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
    struct span rest = html_tag_value(s, HTML_REL);
    while ((rest = html_tag_trim(rest)).n > 0) {
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
    struct span title = html_tag_value(s, HTML_TITLE);
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
    if (!html_tag_is_css(s)) {
        return false;
    }
    out->is_conditional |= is_alternate || html_tag_has(s, HTML_DISABLED) || !is_preferred(s);
    return make_link(s, HTML_HREF, SPAN("preload"), SPAN("style"), out);
}

static bool preload(struct html_scan *s, struct html_item *out) {
    struct span type = html_tag_trim(html_tag_value(s, HTML_TYPE)), as = html_tag_value(s, HTML_AS);
    bool is_learned = span_eq_nocase(as, SPAN("style")) || span_eq_nocase(as, SPAN("font"));
    if (type.n > 0) {
        set(&out->link, LINK_TYPE, type);
    }
    return html_tag_has(s, HTML_AS) && (!out->is_conditional || is_learned) &&
           make_link(s, HTML_HREF, SPAN("preload"), as, out);
}

static bool link_element(struct html_scan *s, struct html_item *out) {
    out->is_conditional = !media_is_every_screen(html_tag_value(s, HTML_MEDIA));
    if (has_rel(s, SPAN("stylesheet"))) {
        return !html_tag_has(s, HTML_IMAGESRCSET) && stylesheet(s, out);
    }
    if (html_tag_has(s, HTML_IMAGESRCSET)) {
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
        return make_link(s, HTML_HREF, SPAN("modulepreload"), html_tag_value(s, HTML_AS), out);
    }
    return has_rel(s, SPAN("preconnect")) &&
           make_link(s, HTML_HREF, SPAN("preconnect"), SPAN(""), out);
}

// "Prepare the script element" (HTML, 4.12.1.1): the type, or else the language, which is one of
// text/.
static bool is_classic(const struct html_scan *s) {
    struct span type = html_tag_value(s, HTML_TYPE), language = html_tag_value(s, HTML_LANGUAGE);
    if (html_tag_has(s, HTML_TYPE)) {
        return type.n == 0 || mime_is_javascript(html_tag_trim(type));
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

// Of SVG (SVG 2, 15.3), where "defer" and "nomodule" mean nothing.
static bool svg_script(struct html_scan *s, struct html_item *out) {
    out->is_late = html_tag_has(s, HTML_ASYNC);
    return s->element == HTML_ELEMENT_SCRIPT && is_classic(s) &&
           make_link(s, html_tag_has(s, HTML_HREF) ? HTML_HREF : HTML_XLINK_HREF, SPAN("preload"),
                     SPAN("script"), out);
}

static bool script_element(struct html_scan *s, struct html_item *out) {
    if (html_tag_is(s, HTML_TYPE, SPAN("module"))) {
        out->is_late = true;
        return make_link(s, HTML_SRC, SPAN("modulepreload"), SPAN(""), out);
    }
    out->is_late = html_tag_has(s, HTML_ASYNC) || html_tag_has(s, HTML_DEFER);
    return is_classic(s) && !html_tag_has(s, HTML_NOMODULE) &&
           make_link(s, HTML_SRC, SPAN("preload"), SPAN("script"), out);
}

static bool img_element(struct html_scan *s, struct html_item *out) {
    out->is_late = true;
    return html_tag_is(s, HTML_FETCHPRIORITY, SPAN("high")) && !html_tag_has(s, HTML_SRCSET) &&
           !s->in_picture && !html_tag_is(s, HTML_LOADING, SPAN("lazy")) &&
           make_link(s, HTML_SRC, SPAN("preload"), SPAN("image"), out);
}

static bool meta_element(struct html_scan *s, struct html_item *out) {
    out->kind = HTML_POLICY;
    out->text = html_tag_trim(html_tag_value(s, HTML_CONTENT));
    return !s->in_body && html_tag_is(s, HTML_HTTP_EQUIV, SPAN("content-security-policy")) &&
           out->text.n > 0;
}

static bool base_element(struct html_scan *s, struct html_item *out) {
    out->kind = HTML_BASE;
    if (s->has_base || !html_tag_has(s, HTML_HREF) || html_place_is_shadow(s)) {
        return false;
    }
    s->has_base = true; // also when its URL is of no use
    return point(s, HTML_HREF, &out->text);
}

bool html_link_item(struct html_scan *s, struct html_item *out) {
    *out = (struct html_item){.in_body = s->in_body};
    if (html_place_is_inert(s)) {
        return false;
    }
    if (html_place_is_foreign(s)) {
        return html_place_is_svg(s) && svg_script(s, out);
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

bool html_link_css_item(const struct html_scan *s, const struct css_item *item,
                        struct html_item *out) {
    // Fetched where the stylesheet applies only.
    if (item->kind == CSS_FONT && (s->is_style_conditional || html_place_is_shadow(s))) {
        return false;
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
