// SPDX-License-Identifier: MIT
#include "scan/reference.h"

static bool is_removed(uint8_t c) {
    return c == '\t' || c == '\n' || c == '\r';
}

static bool is_plain(uint8_t c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>';
}

// The length of the character at the front of `text`, which is not ASCII; 0 when it is not UTF-8
// (RFC 3629, 4; longer forms than needed are left to whoever decodes them).
static size_t character_len(struct span text) {
    uint8_t c = text.p[0];
    size_t n = c >= 0xc2 && c < 0xe0   ? 2
               : c >= 0xe0 && c < 0xf0 ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    if (n > text.n) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((text.p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

// All bytes above ASCII are UTF-8: in another encoding browsers would ask for other bytes.
static bool is_utf8(struct span text) {
    while (text.n > 0) {
        size_t n = text.p[0] < 0x80 ? 1 : character_len(text);
        if (n == 0) {
            return false;
        }
        text = span_skip(text, n);
    }
    return true;
}

size_t reference_clean(struct span text, uint8_t *out, size_t cap) {
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    while (text.n > 0 && text.p[0] <= ' ') {
        text = span_skip(text, 1);
    }
    while (text.n > 0 && text.p[text.n - 1] <= ' ') {
        text.n--;
    }
    if (!is_utf8(text)) {
        return 0;
    }
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (is_removed(c)) {
            continue;
        }
        size_t need = is_plain(c) ? 1 : 3;
        if (cap - n < need) {
            return 0;
        }
        if (need == 1) {
            out[n] = c;
        } else {
            out[n] = '%';
            out[n + 1] = (uint8_t)hex[c >> 4];
            out[n + 2] = (uint8_t)hex[c & 15];
        }
        n += need;
    }
    return n;
}

bool reference_is_inline(struct span reference) {
    static const struct span schemes[] = {SPAN_INIT("data:"), SPAN_INIT("blob:"),
                                          SPAN_INIT("about:"), SPAN_INIT("javascript:")};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (span_eq_nocase(span_first(reference, schemes[i].n), schemes[i])) {
            return true;
        }
    }
    return reference.n > 0 && reference.p[0] == '#';
}
