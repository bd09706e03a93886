// SPDX-License-Identifier: MIT
#include "scan/html_place.h"

#include "scan/html_state.h"
#include "scan/html_tag.h"
#include "scan/media.h"

// The elements whose start tags leave SVG and MathML (HTML, 13.2.6.5). So none of them is ever open
// there, and an end tag is of one outside.
static const char leavers[] =
    " b big blockquote br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 hr i img li listing "
    "menu nobr ol p pre ruby s small span strong strike sub sup table tt u ul var ";
// Likewise, but their end tags close nothing at once.
static const char skeleton[] = " body head meta ";
// Of others that hold much of a page the end tags are known for those of HTML.
static const char holders[] = " a article aside button details dialog fieldset figcaption figure "
                              "footer form header label main nav section summary td th tr ";
// The elements that can have a shadow tree (DOM, 4.8), besides those with a "-" in their name.
static const char hosts[] =
    " article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main "
    "nav p section span ";

// The name of the tag that was read is one of the words.
static bool is_one_of(const struct html_scan *s, const char *words) {
    char word[HTML_SCAN_NAME_MAX + 3] = " ";
    if (s->name_n > HTML_SCAN_NAME_MAX || memchr(s->name, ' ', s->name_n) != NULL) {
        return false;
    }
    memcpy(word + 1, s->name, s->name_n);
    word[s->name_n + 1] = ' ';
    return strstr(words, word) != NULL;
}

// ---- SVG, MathML, and HTML inside ---------------------------------------------------------------

static struct html_level *innermost(struct html_scan *s) {
    return &s->levels[s->levels_n - 1];
}

static bool is_in(const struct html_scan *s, enum html_place place) {
    return s->levels_n > 0 && s->levels[s->levels_n - 1].place == place;
}

bool html_place_is_foreign(const struct html_scan *s) {
    return s->levels_n > 0 && !is_in(s, HTML_PLACE_HTML);
}

bool html_place_is_svg(const struct html_scan *s) {
    return is_in(s, HTML_PLACE_SVG);
}

static enum html_text_kind enter(struct html_scan *s, enum html_place place) {
    if (s->is_self_closing) {
        return HTML_TEXT_MARKUP;
    }
    if (s->levels_n == HTML_SCAN_LEVELS) {
        s->is_done = true;
        return HTML_TEXT_MARKUP;
    }
    s->levels[s->levels_n++] = (struct html_level){.place = (uint8_t)place, .element = s->element};
    return HTML_TEXT_MARKUP;
}

static void leave_foreign(struct html_scan *s) {
    while (html_place_is_foreign(s)) {
        s->levels_n--;
    }
}

static bool is_html_annotation(const struct html_scan *s) {
    return html_tag_is(s, HTML_ENCODING, SPAN("text/html")) ||
           html_tag_is(s, HTML_ENCODING, SPAN("application/xhtml+xml"));
}

// The elements of SVG and of MathML inside of which there is HTML.
static bool is_integration_point(const struct html_scan *s) {
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_DESC:
    case HTML_ELEMENT_FOREIGNOBJECT:
    case HTML_ELEMENT_TITLE:
        return is_in(s, HTML_PLACE_SVG);
    case HTML_ELEMENT_MI:
    case HTML_ELEMENT_MN:
    case HTML_ELEMENT_MO:
    case HTML_ELEMENT_MS:
    case HTML_ELEMENT_MTEXT:
        return is_in(s, HTML_PLACE_MATH);
    case HTML_ELEMENT_ANNOTATION_XML:
        return is_in(s, HTML_PLACE_MATH) && is_html_annotation(s);
    default:
        return false;
    }
}

static enum html_text_kind style_kind(struct html_scan *s) {
    s->is_style_conditional = !media_is_every_screen(html_tag_value(s, HTML_MEDIA));
    return !html_place_is_inert(s) && html_tag_is_css(s) ? HTML_TEXT_STYLE : HTML_TEXT_RAW;
}

// A start tag in SVG or MathML that stays there. To browsers the text of a script or a stylesheet
// is markup there, but none that fetches anything.
static enum html_text_kind open_foreign(struct html_scan *s) {
    enum html_element element = (enum html_element)s->element;
    if (element == (is_in(s, HTML_PLACE_SVG) ? HTML_ELEMENT_SVG : HTML_ELEMENT_MATH)) {
        return enter(s, (enum html_place)innermost(s)->place);
    }
    if (is_integration_point(s)) {
        return enter(s, HTML_PLACE_HTML);
    }
    if (s->is_self_closing) {
        return HTML_TEXT_MARKUP;
    }
    if (element == HTML_ELEMENT_STYLE) {
        return is_in(s, HTML_PLACE_SVG) ? style_kind(s) : HTML_TEXT_RAW;
    }
    if (element == HTML_ELEMENT_SCRIPT) {
        return HTML_TEXT_RAW;
    }
    innermost(s)->depth += innermost(s)->depth < UINT8_MAX;
    return HTML_TEXT_MARKUP;
}

// An end tag in SVG or MathML.
static void close_foreign(struct html_scan *s) {
    struct html_level *level = innermost(s);
    enum html_element element = (enum html_element)s->element;
    if (element == level->element) {
        s->levels_n--;
    } else if (is_one_of(s, leavers)) {
        leave_foreign(s);
    } else if (element == HTML_ELEMENT_STYLE || element == HTML_ELEMENT_SCRIPT) {
        return;
    } else if (level->depth > 0) {
        level->depth--;
    } else if (is_one_of(s, holders)) {
        leave_foreign(s);
    }
}

// ---- templates ----------------------------------------------------------------------------------

bool html_place_is_inert(const struct html_scan *s) {
    return s->templates != 0 || s->is_unreadable;
}

bool html_place_is_shadow(const struct html_scan *s) {
    return s->templates_n > 0 && s->templates == 0;
}

// Of the first child of what can have a shadow tree: whether it has one already is not known of
// others.
static bool opens_shadow(const struct html_scan *s) {
    return s->may_host && s->templates == 0 &&
           (html_tag_is(s, HTML_SHADOWROOTMODE, SPAN("open")) ||
            html_tag_is(s, HTML_SHADOWROOTMODE, SPAN("closed")));
}

static void open_template(struct html_scan *s) {
    if (s->templates_n == HTML_SCAN_LEVELS) {
        s->is_done = true;
        return;
    }
    s->templates = s->templates << 1 | !opens_shadow(s);
    s->templates_n++;
}

static void close_template(struct html_scan *s) {
    if (s->templates_n > 0) {
        leave_foreign(s);
        s->templates >>= 1;
        s->templates_n--;
    }
}

static bool can_host(const struct html_scan *s) {
    size_t n = s->name_n < HTML_SCAN_NAME_MAX ? s->name_n : HTML_SCAN_NAME_MAX;
    return is_one_of(s, hosts) || (n > 0 && memchr(s->name, '-', n) != NULL);
}

// ---- tags ---------------------------------------------------------------------------------------

static enum html_text_kind text_kind(struct html_scan *s) {
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_STYLE:
        return style_kind(s);
    case HTML_ELEMENT_SCRIPT:
        return HTML_TEXT_SCRIPT;
    case HTML_ELEMENT_PLAINTEXT:
        return HTML_TEXT_END;
    default:
        return html_tag_kind(s->element) & HTML_KIND_RAW ? HTML_TEXT_RAW : HTML_TEXT_MARKUP;
    }
}

enum html_text_kind html_place_open(struct html_scan *s) {
    if (html_place_is_foreign(s)) {
        s->may_host = false;
        if (!is_one_of(s, leavers) && !is_one_of(s, skeleton)) {
            return open_foreign(s);
        }
        leave_foreign(s);
    }
    s->in_body |= !(html_tag_kind(s->element) & HTML_KIND_HEAD);
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_SVG:
        enter(s, HTML_PLACE_SVG);
        break;
    case HTML_ELEMENT_MATH:
        enter(s, HTML_PLACE_MATH);
        break;
    case HTML_ELEMENT_TEMPLATE:
        open_template(s);
        break;
    case HTML_ELEMENT_PICTURE:
        s->in_picture = true;
        break;
    default:
        break;
    }
    s->may_host = can_host(s);
    return text_kind(s);
}

void html_place_close(struct html_scan *s) {
    s->may_host = false;
    if (s->element == HTML_ELEMENT_TEMPLATE) {
        close_template(s);
        return;
    }
    if (html_place_is_foreign(s)) {
        close_foreign(s);
        return;
    }
    switch ((enum html_element)s->element) {
    case HTML_ELEMENT_HEAD:
        s->in_body = true;
        break;
    case HTML_ELEMENT_PICTURE:
        s->in_picture = false;
        break;
    default: // of the integration point; that of the <svg> around it closes nothing
        if (s->levels_n > 0 && innermost(s)->element == s->element) {
            s->levels_n--;
        }
    }
}
