// SPDX-License-Identifier: MIT
#include "learner/token.h"

#include "base/hex.h"
#include "base/wildcard.h"

#define RANDOM_LEAST 20 // characters of a value that nobody can have thought of
#define TURNS_LEAST 6   // between digits, upper and lower case in it
#define NAME_LEAST 6    // characters of a name that nobody has thought of
#define NAME_TURNS 4    // in it, and one in four characters
#define HEX_LEAST 16    // hexadecimal digits that are one however they follow each other
#define DECODED_MAX 512 // bytes of a value that are decoded; no longer one is a secret by its form
#define HASH_LEAST 32   // hexadecimal digits of one without a name
#define VERSION_MAX 64  // characters of a version: a SHA-256 in hexadecimal
#define NAME_MAX_LEN 64 // of a query key; longer ones are not looked up

static const struct span secret_names[] = {
#define NAME(name, token) SPAN_INIT(name),
#include "learner/token_name.def"
#undef NAME
};
static const enum token secret_tokens[] = {
#define NAME(name, token) TOKEN_##token,
#include "learner/token_name.def"
#undef NAME
};
static const struct span version_names[] = {
#define NAME(name) SPAN_INIT(name),
#include "learner/version_key.def"
#undef NAME
};

enum class { OTHER, DIGIT, UPPER, LOWER };

static enum class class_of(uint8_t c) {
    return c >= '0' && c <= '9'   ? DIGIT
           : c >= 'A' && c <= 'Z' ? UPPER
           : c >= 'a' && c <= 'z' ? LOWER
                                  : OTHER;
}

static bool is_hex(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (hex_value(s.p[i]) < 0) {
            return false;
        }
    }
    return s.n > 0;
}

// 8-4-4-4-12 hexadecimal digits (RFC 9562, 4).
static bool is_uuid(struct span s) {
    static const uint8_t dashes[] = {8, 13, 18, 23};
    if (s.n != 36) {
        return false;
    }
    size_t from = 0;
    for (size_t i = 0; i < sizeof dashes; i++) {
        if (s.p[dashes[i]] != '-' || !is_hex(span_of(s.p + from, dashes[i] - from))) {
            return false;
        }
        from = dashes[i] + 1u;
    }
    return is_hex(span_skip(s, from));
}

// Three parts of base64url, the first of which is '{"': a JSON Web Token (RFC 7519, 3).
static bool is_jwt(struct span s) {
    size_t first = span_index(s, '.');
    struct span rest = span_skip(s, first + 1);
    return span_has_prefix(s, SPAN("eyJ")) && first > 10 && span_index(rest, '.') < rest.n;
}

// Letters and digits in an order that is no word: base64, base62, an identifier of a session.
static bool is_random(struct span s) {
    unsigned turns = 0, digits = 0;
    enum class before = OTHER;
    for (size_t i = 0; i < s.n; i++) {
        enum class now = class_of(s.p[i]);
        if (now == OTHER && memchr("-_+/=~%", s.p[i], 7) == NULL) {
            return false;
        }
        turns += now != before && now != OTHER && before != OTHER;
        digits += now == DIGIT;
        before = now != OTHER ? now : before;
    }
    return s.n >= RANDOM_LEAST && digits > 0 && digits < s.n && turns >= TURNS_LEAST;
}

static bool is_among(struct span name, const struct span *names, size_t n) {
    return wildcard_match_any(names, n, name, WILDCARD_NOCASE);
}

bool token_is_version_key(struct span name) {
    return is_among(name, version_names, sizeof version_names / sizeof *version_names);
}

static enum token name_token(struct span name) {
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++) {
        if (wildcard_match_any(&secret_names[i], 1, name, WILDCARD_NOCASE)) {
            return secret_tokens[i];
        }
    }
    bool has_end = span_has_suffix(name, SPAN("token")) || span_has_suffix(name, SPAN("nonce"));
    return has_end ? TOKEN_SECRET : TOKEN_NONE;
}

static enum token worse(enum token a, enum token b) {
    return a > b ? a : b;
}

// "x[token]" and "data-token" hide nothing.
static enum token key_token(struct span name) {
    struct span inner = span_skip(name, span_index(name, '[') + 1);
    inner = span_first(inner, span_index(inner, ']'));
    return worse(name_token(name), inner.n > 0 ? name_token(inner) : TOKEN_NONE);
}

// A hash without a name that says what it is of may be anybody's.
static enum token value_token(struct span value, bool is_version) {
    bool is_any = is_version ? value.n > VERSION_MAX
                             : is_random(value) || (value.n >= HASH_LEAST && is_hex(value));
    return is_jwt(value) ? TOKEN_SECRET : is_any || is_uuid(value) ? TOKEN_DOUBTFUL : TOKEN_NONE;
}

// What percent-encoding stands for (RFC 3986, 2.1); only the beginning of what is longer.
static struct span decode(struct span s, uint8_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < DECODED_MAX; i++) {
        bool is_code = s.p[i] == '%' && s.n - i > 2 && hex_value(s.p[i + 1]) >= 0 &&
                       hex_value(s.p[i + 2]) >= 0;
        out[n++] = is_code ? (uint8_t)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2])) : s.p[i];
        i += is_code ? 2 : 0;
    }
    return span_of(out, n);
}

// One without a name is a value, also behind the "??" of those who join files
// ("/_static/??-eJx9...").
static enum token pair_token(struct span pair) {
    uint8_t key[DECODED_MAX], text[DECODED_MAX];
    size_t at = span_index(pair, '=');
    if (at == pair.n) {
        struct span value = decode(span_skip(pair, pair.p[0] == '?'), text);
        return worse(value_token(value, false), key_token(value));
    }
    struct span name = decode(span_first(pair, at), key),
                value = decode(span_skip(pair, at + 1), text);
    if (name.n > NAME_MAX_LEN) {
        return TOKEN_SECRET;
    }
    return worse(worse(key_token(name), value_token(name, false)),
                 value_token(value, token_is_version_key(name)));
}

static enum token segment_token(struct span s) {
    struct span parameters = span_skip(s, span_index(s, ';'));
    bool has_session = span_find(parameters, SPAN("sessionid=")) < parameters.n ||
                       span_find(parameters, SPAN("token=")) < parameters.n;
    bool is_any = s.n >= 2 * RANDOM_LEAST && is_random(s) && !is_hex(s);
    return has_session || is_jwt(s) ? TOKEN_SECRET : is_any ? TOKEN_DOUBTFUL : TOKEN_NONE;
}

// ---- names --------------------------------------------------------------------------------------

// A capital that begins a word makes no turn: "MyTheme" is two words.
static bool is_nameless(struct span s) {
    unsigned turns = 0, digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        enum class before = i > 0 ? class_of(s.p[i - 1]) : OTHER, now = class_of(s.p[i]);
        bool begins_word =
            before == UPPER && now == LOWER && (i < 2 || class_of(s.p[i - 2]) != UPPER);
        turns += i > 0 && now != before && !begins_word;
        digits += now == DIGIT;
    }
    bool is_mixed = digits > 0 && digits < s.n;
    return is_mixed && ((s.n >= NAME_LEAST && turns >= NAME_TURNS && 4 * turns >= s.n) ||
                        (s.n >= HEX_LEAST && is_hex(s)));
}

bool token_is_name(struct span segment) {
    if (is_uuid(segment)) {
        return true;
    }
    for (size_t from = 0, at = 0; at <= segment.n; at++) {
        if (at == segment.n || class_of(segment.p[at]) == OTHER) {
            if (is_nameless(span_of(segment.p + from, at - from))) {
                return true;
            }
            from = at + 1;
        }
    }
    return false;
}

// Adds those between the separators. How many there are then.
static size_t add_names(struct span s, uint8_t separator, struct span *out, size_t n, size_t most) {
    struct span part;
    while (n < most && s.n > 0 && span_cut(&s, separator, &part)) {
        if (token_is_name(part)) {
            out[n++] = part;
        }
    }
    return n;
}

size_t token_names(struct span url, struct span *out, size_t most) {
    struct span path = span_first(url, span_index(url, '?'));
    size_t n = 0, colon = span_find(path, SPAN("://"));
    if (colon < path.n) {
        path = span_skip(path, colon + 3);
        size_t slash = span_index(path, '/');
        n = add_names(span_first(path, slash), '.', out, n, most);
        path = span_skip(path, slash);
    }
    size_t folders = path.n;
    while (folders > 0 && path.p[folders - 1] != '/') {
        folders--;
    }
    n = add_names(span_first(path, folders), '/', out, n, most);
    struct span file = span_skip(path, folders);
    struct span name = span_first(file, span_index(file, '.'));
    if (n < most && is_uuid(name)) {
        out[n++] = name;
    }
    return n;
}

enum token token_of(struct span url) {
    size_t mark = span_index(url, '?');
    struct span path = span_first(url, mark), query = span_skip(url, mark + 1), part;
    enum token worst = TOKEN_NONE;
    while (path.n > 0 && span_cut(&path, '/', &part)) {
        worst = worse(worst, segment_token(part));
    }
    while (query.n > 0 && span_cut(&query, '&', &part)) {
        worst = part.n > 0 ? worse(worst, pair_token(part)) : worst;
    }
    return worst;
}
