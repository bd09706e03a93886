// SPDX-License-Identifier: MIT
#include "scan/html_text.h"

// Those names that are references even without ";" (HTML, 13.5), but for the ones we decode.
static const char without_semicolon[] =
    " AElig Aacute Acirc Agrave Aring Atilde Auml COPY Ccedil ETH Eacute Ecirc Egrave Euml Iacute "
    "Icirc Igrave Iuml Ntilde Oacute Ocirc Ograve Oslash Otilde Ouml REG THORN Uacute Ucirc Ugrave "
    "Uuml Yacute aacute acirc acute aelig agrave aring atilde auml brvbar ccedil cedil cent copy "
    "curren deg divide eacute ecirc egrave eth euml frac12 frac14 frac34 iacute icirc iexcl igrave "
    "iquest iuml laquo macr micro middot not ntilde oacute ocirc ograve ordf ordm oslash otilde "
    "ouml para plusmn pound raquo reg sect shy sup1 sup2 sup3 szlig thorn times uacute ucirc "
    "ugrave "
    "uml uuml yacute yen yuml ";

struct known {
    struct span name, text;
    bool needs_semicolon;
};

static const struct known known[] = {
    {SPAN_INIT("amp"), SPAN_INIT("&"), false},   {SPAN_INIT("AMP"), SPAN_INIT("&"), false},
    {SPAN_INIT("lt"), SPAN_INIT("<"), false},    {SPAN_INIT("LT"), SPAN_INIT("<"), false},
    {SPAN_INIT("gt"), SPAN_INIT(">"), false},    {SPAN_INIT("GT"), SPAN_INIT(">"), false},
    {SPAN_INIT("quot"), SPAN_INIT("\""), false}, {SPAN_INIT("QUOT"), SPAN_INIT("\""), false},
    {SPAN_INIT("apos"), SPAN_INIT("'"), true},   {SPAN_INIT("nbsp"), SPAN_INIT("\xc2\xa0"), false},
};

// What is read, and what is written over it: never more than was read.
struct decoder {
    struct span in;
    uint8_t *out;
};

static void put(struct decoder *d, struct span text) {
    memmove(d->out, text.p, text.n);
    d->out += text.n;
}

static int digit_value(uint8_t c, uint32_t base) {
    int value = c >= '0' && c <= '9' ? c - '0' : -1;
    uint8_t low = span_lower_byte(c);
    return base == 16 && low >= 'a' && low <= 'f' ? low - 'a' + 10 : value;
}

// At least as many source bytes stand for a code as UTF-8 has for it.
static void put_code(struct decoder *d, uint32_t code) {
    uint8_t utf8[4];
    size_t n = 0, more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    utf8[n++] = (uint8_t)(lead[more] | code >> 6 * more);
    while (more-- > 0) {
        utf8[n++] = (uint8_t)(0x80 | (code >> 6 * more & 0x3f));
    }
    put(d, span_of(utf8, n));
}

// numeric = "&#" 1*DIGIT [ ";" ] / "&#" ( "x" / "X" ) 1*HEXDIG [ ";" ]
static bool take_numeric(struct decoder *d) {
    bool is_hex = d->in.n > 2 && span_lower_byte(d->in.p[2]) == 'x';
    size_t start = is_hex ? 3 : 2, i = start;
    uint32_t base = is_hex ? 16 : 10, code = 0;
    for (; i < d->in.n && digit_value(d->in.p[i], base) >= 0; i++) {
        code = code > 0x10ffff ? code : code * base + (uint32_t)digit_value(d->in.p[i], base);
    }
    if (i == start) { // no reference after all
        put(d, span_first(d->in, start));
        d->in = span_skip(d->in, start);
        return true;
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff, is_c1 = code >= 0x80 && code <= 0x9f;
    if (code == 0 || code > 0x10ffff || is_surrogate || is_c1) {
        return false;
    }
    d->in = span_skip(d->in, i + (i < d->in.n && d->in.p[i] == ';' ? 1 : 0));
    put_code(d, code);
    return true;
}

static bool is_alnum(uint8_t c) {
    return digit_value(c, 10) >= 0 || (span_lower_byte(c) >= 'a' && span_lower_byte(c) <= 'z');
}

static bool is_legacy(struct span name) {
    char word[10] = " ";
    if (name.n > sizeof word - 3) {
        return false;
    }
    memcpy(word + 1, name.p, name.n);
    word[name.n + 1] = ' ';
    return strstr(without_semicolon, word) != NULL;
}

static const struct known *find_known(struct span name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (span_eq(known[i].name, name)) {
            return &known[i];
        }
    }
    return NULL;
}

// named = "&" 1*( ALPHA / DIGIT ) [ ";" ]
//
// Without ";" the longest known name would count, but not in an attribute when a letter, a digit or
// "=" follows it: so all letters and digits are the name, or there is none.
static bool take_named(struct decoder *d) {
    size_t n = 1;
    while (n < d->in.n && is_alnum(d->in.p[n])) {
        n++;
    }
    struct span name = span_of(d->in.p + 1, n - 1);
    uint8_t next = n < d->in.n ? d->in.p[n] : 0;
    const struct known *found = find_known(name);
    bool is_closed = next == ';' && name.n > 0;
    if (found != NULL && (is_closed || (next != '=' && !found->needs_semicolon))) {
        d->in = span_skip(d->in, n + is_closed);
        put(d, found->text);
        return true;
    }
    if (is_closed || (next != '=' && is_legacy(name))) {
        return false;
    }
    put(d, span_first(d->in, n));
    d->in = span_skip(d->in, n);
    return true;
}

bool html_text_decode(uint8_t *p, size_t *n) {
    struct decoder d = {.in = span_of(p, *n), .out = p};
    if (span_index(d.in, 0) < *n) {
        return false;
    }
    while (d.in.n > 0) {
        size_t plain = span_index(d.in, '&');
        if (d.out != d.in.p && plain > 0) {
            memmove(d.out, d.in.p, plain);
        }
        d.out += plain;
        d.in = span_skip(d.in, plain);
        if (d.in.n == 0) {
            break;
        }
        bool is_numeric = d.in.n > 1 && d.in.p[1] == '#';
        if (!(is_numeric ? take_numeric(&d) : take_named(&d))) {
            return false;
        }
    }
    *n = (size_t)(d.out - p);
    return true;
}
