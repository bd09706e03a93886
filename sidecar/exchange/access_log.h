// SPDX-License-Identifier: MIT
// One line of an access log: what is said of a request that is over, in the format that the
// operator chose. A format is text with the names of fields (access_field.def) between braces:
//
//     {client} - - [{clf-time}] "{request}" {status} {bytes}
//
// or one of two words: combined, and json, an object with all fields. What is not known is "-", in
// JSON null. No value can end its line or its quotes (base/escape.h).
#ifndef EXCHANGE_ACCESS_LOG_H
#define EXCHANGE_ACCESS_LOG_H

#include "base/arena.h"
#include "base/ip.h"
#include "base/span.h"

#define ACCESS_LOG_LINE 4096 // most bytes of a line, its LF included

enum access_field {
#define ACCESS_FIELD(id, name, kind, most, sentence) ENTRY_##id,
#include "exchange/access_field.def"
#undef ACCESS_FIELD
    ENTRY_FIELDS,
};

// A piece of a format: text, and then a field, or ENTRY_FIELDS.
struct access_part {
    struct span text;
    enum access_field field;
};

// What a site's lines look like, and of which requests there are some.
struct access_log {
    unsigned output; // index of where they go: what the server makes of it is its own
    bool is_json;    // values are those of JSON
    const struct access_part *parts;
    size_t parts_n;
    uint64_t wants;                    // fields of the parts: bits
    unsigned sample;                   // ten-thousandths of requests; failures are logged always
    unsigned ipv4_prefix, ipv6_prefix; // bits that are left of an address
};

// What is known of a request: bits by field; what is not known need not be set.
struct access_entry {
    uint64_t known;
    struct span text[ENTRY_FIELDS]; // of TEXT and WHOLE
    uint64_t number[ENTRY_FIELDS];  // of COUNT; of TIME: microseconds
};

// Reads a format; its parts live in the arena. False with words for the operator in *why.
bool access_log_parse(struct access_log *log, struct span format, struct arena *a,
                      const char **why);
// Writes the line with its LF; returns its length. What does not fit is left out at its end. Only
// the fields that the log wants are looked at.
size_t access_log_format(const struct access_log *log, const struct access_entry *entry,
                         char out[ACCESS_LOG_LINE]);
// Whether a request with that status gets a line; draw: a random number.
bool access_log_wants(const struct access_log *log, int status, uint32_t draw);
// The address as far as it is to be seen.
struct ip access_log_client(const struct access_log *log, const struct ip *client);

// Whether its lines have the field.
static inline bool access_log_has(const struct access_log *log, enum access_field field) {
    return log->wants >> field & 1;
}

static inline void access_entry_count(struct access_entry *e, enum access_field field, uint64_t n) {
    e->number[field] = n;
    e->known |= UINT64_C(1) << field;
}

// An empty text is not known.
static inline void access_entry_text(struct access_entry *e, enum access_field field,
                                     struct span text) {
    e->text[field] = text;
    e->known |= (uint64_t)(text.n > 0) << field;
}

#endif
