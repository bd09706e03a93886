// SPDX-License-Identifier: MIT
// A span is a borrowed run of bytes: a pointer and a length, nothing owned. Every parser takes
// spans and gives spans into the same memory; who keeps the memory, and for how long, is said by
// the function that handed it out.
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p;
    size_t n;
};

// A span over a string literal, without its terminating zero. Usable in static initialisers
// through SPAN_INIT.
#define SPAN_INIT(literal)                                                                         \
    { (const uint8_t *)(literal), sizeof(literal) - 1 }
#define SPAN(literal) ((struct span)SPAN_INIT(literal))

// The two arguments that printf's "%.*s" takes.
#define SPAN_ARG(s) (int)(s).n, (const char *)(s).p

static inline struct span span_of(const void *p, size_t n) {
    return (struct span){p, n};
}

static inline struct span span_str(const char *text) {
    return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool span_eq(struct span a, struct span b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_has_prefix(struct span s, struct span prefix) {
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool span_has_suffix(struct span s, struct span suffix) {
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

// The bytes from `from` on, or an empty span at the end if there are fewer.
static inline struct span span_skip(struct span s, size_t from) {
    from = from < s.n ? from : s.n;
    return (struct span){from ? s.p + from : s.p, s.n - from}; // no arithmetic on a null pointer
}

// The first `n` bytes, or all of them if there are fewer.
static inline struct span span_first(struct span s, size_t n) {
    return (struct span){s.p, n < s.n ? n : s.n};
}

// ASCII only, independent of the locale (RFC 9110 field names, RFC 3986 schemes and hosts).
static inline uint8_t span_lower_byte(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

// Where the first byte `c` stands, or s.n if it does not occur.
static inline size_t span_index(struct span s, uint8_t c) {
    const uint8_t *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

// What span_eq_nocase does where the lengths are the same.
bool span_eq_bytes_nocase(const uint8_t *a, const uint8_t *b, size_t n);

// The same but for the case of ASCII letters. Mostly the lengths or the first bytes tell, without a
// call.
static inline bool span_eq_nocase(struct span a, struct span b) {
    return a.n == b.n &&
           (a.n == 0 || (((a.p[0] ^ b.p[0]) & ~0x20) == 0 && span_eq_bytes_nocase(a.p, b.p, a.n)));
}

// Where `needle` begins, or s.n if it does not occur; an empty needle is at 0.
size_t span_find(struct span s, struct span needle);
// Without leading and trailing SP and HTAB (OWS of RFC 9110, 5.6.3).
struct span span_trim(struct span s);
// Takes the part before the next `c` off the front of *rest; the last part leaves *rest with a
// null pointer. False when nothing is left. "a,,b" gives "a", "", "b".
bool span_cut(struct span *rest, uint8_t c, struct span *part);
// A decimal number of digits only, no sign, no blanks. False when empty, not digits or >
// UINT64_MAX.
bool span_to_u64(struct span s, uint64_t *value);

#endif
