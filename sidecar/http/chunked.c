// SPDX-License-Identifier: MIT
#include "http/chunked.h"

#include "base/hex.h"

enum {
    SIZE,         // digits of a chunk's size
    EXTENSION,    // behind them, until CR
    SIZE_LF,      // the LF of that line
    DATA,         // bytes of data
    DATA_CR,      // the CR LF behind data
    DATA_LF,      //
    TRAILER,      // at the beginning of a trailer line
    TRAILER_NAME, // in its name
    TRAILER_VALUE,
    TRAILER_LF, // the LF of that line
    LAST_LF,    // the LF of the empty line
    COMPLETE,
    BROKEN,
};

#define DIGITS_MAX 16 // of a size: what 64 bits hold

void chunked_init(struct chunked *c) {
    *c = (struct chunked){.state = SIZE};
}

static bool is_text(uint8_t c) {
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

// chunk-size = 1*HEXDIG
static int size_byte(struct chunked *c, uint8_t byte) {
    int digit = hex_value(byte);
    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        return ++c->digits > DIGITS_MAX ? BROKEN : SIZE;
    }
    c->extension = 0;
    if (c->digits == 0 || c->left > INT64_MAX) {
        return BROKEN;
    }
    return byte == '\r' ? SIZE_LF : byte == ';' ? EXTENSION : BROKEN;
}

static int extension_byte(struct chunked *c, uint8_t byte) {
    if (++c->extension > CHUNKED_EXTENSION_MAX || ++c->extensions > CHUNKED_EXTENSIONS_MAX) {
        return BROKEN;
    }
    return byte == '\r' ? SIZE_LF : is_text(byte) ? EXTENSION : BROKEN;
}

static bool is_among(uint8_t c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

static bool is_name_byte(uint8_t c) {
    uint8_t lower = span_lower_byte(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           is_among(c, "!#$%&'*+-.^_`|~");
}

// RFC 9112, 6.5.1: a field that says how the message is read may not come behind it.
static bool is_framing(const struct chunked *c) {
    struct span name = span_of(c->name, c->name_len);
    return span_eq(name, SPAN("content-length")) || span_eq(name, SPAN("transfer-encoding")) ||
           span_eq(name, SPAN("host"));
}

static int name_byte(struct chunked *c, uint8_t byte) {
    if (byte == ':') {
        return c->name_len > 0 && !is_framing(c) ? TRAILER_VALUE : BROKEN;
    }
    if (!is_name_byte(byte)) {
        return BROKEN;
    }
    if (c->name_len < CHUNKED_NAME_MAX) {
        c->name[c->name_len++] = span_lower_byte(byte);
    }
    return TRAILER_NAME;
}

static int trailer_byte(struct chunked *c, uint8_t byte) {
    if (++c->trailer > CHUNKED_TRAILER_MAX) {
        return BROKEN;
    }
    switch (c->state) {
    case TRAILER:
        c->name_len = 0;
        return byte == '\r' ? LAST_LF : name_byte(c, byte);
    case TRAILER_NAME:
        return name_byte(c, byte);
    default:
        return byte == '\r' ? TRAILER_LF : is_text(byte) ? TRAILER_VALUE : BROKEN;
    }
}

// The state behind one byte that is not data.
static int wrapping_byte(struct chunked *c, uint8_t byte) {
    if (++c->waste > CHUNKED_WASTE_MAX && c->data < c->waste / 3) {
        return BROKEN;
    }
    switch (c->state) {
    case SIZE:
        return size_byte(c, byte);
    case EXTENSION:
        return extension_byte(c, byte);
    case SIZE_LF:
        c->digits = 0;
        return byte != '\n' ? BROKEN : c->left > 0 ? DATA : TRAILER;
    case DATA_CR:
        return byte == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        return byte == '\n' ? SIZE : BROKEN;
    case TRAILER_LF:
        return byte == '\n' ? TRAILER : BROKEN;
    case LAST_LF:
        return byte == '\n' ? COMPLETE : BROKEN;
    default:
        return trailer_byte(c, byte);
    }
}

static struct span take_data(struct chunked *c, struct span *in) {
    struct span data = in->n > c->left ? span_first(*in, (size_t)c->left) : *in;
    *in = span_skip(*in, data.n);
    c->left -= data.n;
    c->data += data.n;
    if (c->left == 0) {
        c->state = DATA_CR;
    }
    return data;
}

enum step chunked_next(struct chunked *c, struct span *in, struct span *data) {
    while (in->n > 0 && c->state != COMPLETE && c->state != BROKEN) {
        if (c->state == DATA) {
            *data = take_data(c, in);
            return STEP_ITEM;
        }
        c->state = wrapping_byte(c, in->p[0]);
        *in = span_skip(*in, 1);
    }
    if (c->state == BROKEN) {
        return STEP_BAD;
    }
    *data = span_of(in->p, 0);
    return c->state == COMPLETE ? STEP_ITEM : STEP_MORE;
}
