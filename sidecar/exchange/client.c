// SPDX-License-Identifier: MIT
#include "exchange/client.h"

#include "base/wildcard.h"
#include "http/field.h"

#define ELEMENTS_MOST 64 // hops of a list that are looked at; a longer one names nobody
#define NODE_MOST 64     // bytes of an address with its port

enum use { LIST, CHAIN, ONE, SCHEME, HOST, PORT, PASS, NEVER };

static const struct {
    struct span name;
    enum use use;
} rows[FORWARDED_FIELDS] = {
#define FORWARDED_FIELD(id, name, use) [FORWARDED_FIELD_##id] = {SPAN_INIT(name), use},
#include "exchange/forwarded_field.def"
#undef FORWARDED_FIELD
};

// ---- the table ----------------------------------------------------------------------------------

// Few requests have any of them: their first two letters tell, before all names are compared.
static bool may_be_one(struct span name) {
    if (name.n < 2) {
        return false;
    }
    uint8_t second = span_lower_byte(name.p[1]);
    switch (span_lower_byte(name.p[0])) {
    case 'x':
        return second == '-';
    case 'c':
        return second == 'f' || second == 'l';
    case 's':
        return second == 's';
    case 'f':
        return second == 'o' || second == 'a' || second == 'r';
    case 't':
        return second == 'r';
    default:
        return false;
    }
}

enum forwarded_field forwarded_field_find(struct span name) {
    if (!may_be_one(name)) {
        return FORWARDED_FIELDS;
    }
    for (unsigned i = 0; i < FORWARDED_FIELDS; i++) {
        if (wildcard_match(rows[i].name, name, WILDCARD_NOCASE)) {
            return (enum forwarded_field)i;
        }
    }
    return FORWARDED_FIELDS;
}

const char *forwarded_field_name(enum forwarded_field field) {
    return (const char *)rows[field].name.p;
}

bool forwarded_field_may_pass(enum forwarded_field field) {
    return rows[field].use == PASS;
}

bool forwarded_field_names_client(enum forwarded_field field) {
    return rows[field].use == LIST || rows[field].use == CHAIN || rows[field].use == ONE;
}

// ---- lists --------------------------------------------------------------------------------------

struct elements {
    struct span v[ELEMENTS_MOST];
    size_t n;
    bool is_cut;
};

// The elements of all fields of that name, as of one list.
static void read_elements(struct elements *list, const struct pairs *fields,
                          enum forwarded_field field) {
    struct span name = rows[field].name, element;
    list->n = 0;
    list->is_cut = false;
    for (size_t i = 0; (i = field_find(fields, name, i)) < fields->n; i++) {
        struct span rest = fields->v[i].value;
        while (field_next_element(&rest, &element)) {
            if (list->n == ELEMENTS_MOST) {
                list->is_cut = true;
                return;
            }
            list->v[list->n++] = element;
        }
    }
}

// ---- Forwarded ----------------------------------------------------------------------------------

// What stands in a value: a token as it is, a quoted string without its quotes and escapes, in
// `copy`. p NULL: it is neither, or longer than `copy`.
static struct span unquote(struct span value, uint8_t *copy, size_t cap) {
    const struct span none = {NULL, 0};
    size_t n = 0;
    if (value.n == 0 || value.p[0] != '"') {
        return value;
    }
    if (value.n < 2 || value.p[value.n - 1] != '"') {
        return none;
    }
    for (size_t i = 1; i + 1 < value.n; i++) {
        i += value.p[i] == '\\' && i + 2 < value.n;
        if (n == cap) {
            return none;
        }
        copy[n++] = value.p[i];
    }
    return span_of(copy, n);
}

// The value of a parameter of an element, with its quotes; p NULL when there is none or two.
static struct span parameter(struct span element, struct span name) {
    struct span part, found = {NULL, 0};
    while (field_next_part(&element, &part)) {
        size_t equals = span_index(part, '=');
        if (equals < part.n && span_eq_nocase(span_first(part, equals), name)) {
            if (found.p != NULL) {
                return span_of(NULL, 0);
            }
            found = span_skip(part, equals + 1);
        }
    }
    return found;
}

static bool parse_for(struct span element, struct ip *ip, uint16_t *port) {
    uint8_t copy[NODE_MOST];
    struct span node = unquote(parameter(element, SPAN("for")), copy, sizeof copy);
    return node.p != NULL && ip_parse_node(ip, port, node);
}

// ---- who ----------------------------------------------------------------------------------------

bool client_is_trusted(const struct client_trust *trust, const struct ip *ip) {
    if (ip->n == 0) {
        return trust->has_unix;
    }
    return ip_nets_have(trust->nets, trust->nets_n, ip) ||
           (trust->has_private && ip_is_private(ip));
}

// From the right to the first address that is not trusted, or the leftmost. Its index, or list->n
// when one on the way cannot be read.
static size_t find_hop(const struct elements *list, const struct client_trust *trust, bool is_chain,
                       struct ip *ip, uint16_t *port) {
    if (list->n == 0 || list->is_cut) {
        return list->n;
    }
    for (size_t i = list->n; i > 0; i--) {
        struct span element = list->v[i - 1];
        bool is_good = is_chain ? parse_for(element, ip, port) : ip_parse_node(ip, port, element);
        if (!is_good) {
            return list->n;
        }
        if (i == 1 || !client_is_trusted(trust, ip)) {
            return i - 1;
        }
    }
    return list->n;
}

static enum client_scheme scheme_of(struct span text) {
    if (span_eq_nocase(text, SPAN("https")) || span_eq_nocase(text, SPAN("wss"))) {
        return CLIENT_SCHEME_HTTPS;
    }
    return span_eq_nocase(text, SPAN("http")) || span_eq_nocase(text, SPAN("ws"))
               ? CLIENT_SCHEME_HTTP
               : CLIENT_SCHEME_UNSAID;
}

// The element that belongs to hop `at` of `hops`, where each hop has added one; else the last,
// which the trusted front wrote. p NULL: there is none.
static struct span matching(const struct elements *list, size_t at, size_t hops) {
    if (list->n == 0 || list->is_cut) {
        return span_of(NULL, 0);
    }
    return list->v[list->n == hops && at < hops ? at : list->n - 1];
}

static void read_port(struct client *c, struct span text) {
    uint64_t n;
    if (text.p != NULL && text.n <= 5 && span_to_u64(text, &n) && n > 0 && n <= UINT16_MAX) {
        c->server_port = (uint16_t)n;
    }
}

// X-Forwarded-Proto, -Host and -Port, beside whichever field names the client.
static void read_request(struct client *c, const struct client_trust *trust,
                         const struct pairs *fields, size_t at, size_t hops) {
    struct elements list;
    read_elements(&list, fields, FORWARDED_FIELD_X_FORWARDED_PROTO);
    c->scheme = scheme_of(matching(&list, at, hops));
    read_elements(&list, fields, FORWARDED_FIELD_X_FORWARDED_PORT);
    read_port(c, matching(&list, at, hops));
    if (trust->has_host) {
        read_elements(&list, fields, FORWARDED_FIELD_X_FORWARDED_HOST);
        c->host = matching(&list, at, hops);
    }
}

// The same from the element of Forwarded. A quoted host is as it stands between the quotes: none
// that may be one has anything to unescape.
static void read_chain(struct client *c, const struct client_trust *trust, struct span element) {
    uint8_t copy[8];
    struct span scheme = unquote(parameter(element, SPAN("proto")), copy, sizeof copy);
    struct span host = parameter(element, SPAN("host"));
    c->scheme = scheme.p != NULL ? scheme_of(scheme) : CLIENT_SCHEME_UNSAID;
    if (trust->has_host && host.p != NULL) {
        bool is_quoted = host.n >= 2 && host.p[0] == '"' && host.p[host.n - 1] == '"';
        c->host = is_quoted ? span_of(host.p + 1, host.n - 2) : host;
    }
}

// Tries one field. False when it names nobody.
static bool read_client(struct client *c, const struct client_trust *trust,
                        const struct pairs *fields, enum forwarded_field field) {
    struct elements list;
    struct ip ip;
    uint16_t port;
    bool is_chain = rows[field].use == CHAIN;
    read_elements(&list, fields, field);
    size_t at = rows[field].use == ONE && list.n != 1
                    ? list.n
                    : find_hop(&list, trust, is_chain, &ip, &port);
    if (at == list.n) {
        return false;
    }
    c->ip = ip;
    c->port = port;
    c->is_vouched = true;
    if (is_chain) {
        read_chain(c, trust, list.v[at]);
    } else {
        read_request(c, trust, fields, at, list.n);
    }
    return true;
}

enum forwarded_field client_claim(const struct pairs *fields) {
    for (size_t i = 0; i < fields->n; i++) {
        enum forwarded_field field = forwarded_field_find(fields->v[i].name);
        if (field != FORWARDED_FIELDS) {
            return field;
        }
    }
    return FORWARDED_FIELDS;
}

bool client_read(struct client *out, const struct client_trust *trust, const struct ip *peer,
                 uint16_t port, const struct pairs *fields) {
    *out = (struct client){.ip = *peer, .port = port};
    if (!client_is_trusted(trust, peer)) {
        return false;
    }
    for (size_t i = 0; i < trust->fields_n; i++) {
        if (read_client(out, trust, fields, trust->fields[i])) {
            return true;
        }
    }
    // It names nobody, but may say how its client came.
    read_request(out, trust, fields, 0, 0);
    return true;
}
