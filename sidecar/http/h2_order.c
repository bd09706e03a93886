// SPDX-License-Identifier: MIT
// Whose body goes first (RFC 9218). The library obeys the `priority` field and PRIORITY_UPDATE: a
// more urgent body goes before all others, incremental ones of the same urgency share, and the
// others of it go one after the other. What is decided here is what it cannot know: that a client
// which says nothing of all this means none of it, and where pushes belong.
#include "http/field.h"
#include "http/h2_stream.h"

// Sends `s` with this urgency, and in turns with others of it or not.
static void set(struct h2 *h, const struct h2_stream *s, uint32_t urgency, bool is_shared) {
    nghttp2_extpri order = {.urgency = urgency, .inc = is_shared};
    nghttp2_session_change_extpri_stream_priority(h->session, h2_stream_id(s), &order, 0);
}

// By default bodies of the same urgency go one after the other, which suits a browser that says
// which of them may share. Two downloads of a client that knows nothing of it share.
void h2_order_request(struct h2 *h, const struct h2_stream *s) {
    if (!h->has_order && pairs_find(&s->base.request.fields, SPAN("priority")) == NULL) {
        set(h, s, NGHTTP2_EXTPRI_DEFAULT_URGENCY, true);
    } else {
        h->has_order = true;
    }
}

void h2_order_frame(struct h2 *h, uint8_t type) {
    h->has_order |= type == NGHTTP2_PRIORITY_UPDATE;
}

void h2_order_settings(struct h2 *h) {
    h->has_order |= nghttp2_session_get_remote_settings(
                        h->session, NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES) == 1;
}

// The members "u=0" to "u=7" and "i" of a dictionary (RFC 9218, 4; RFC 8941, 3.2).
static void read_field(const struct request *r, uint32_t *urgency, bool *is_shared) {
    const struct span *field = pairs_find(&r->fields, SPAN("priority"));
    struct span rest = field != NULL ? *field : SPAN(""), element;
    while (field_next_element(&rest, &element)) {
        if (element.n >= 3 && span_has_prefix(element, SPAN("u=")) && element.p[2] >= '0' &&
            element.p[2] <= '7') {
            *urgency = element.p[2] - (uint32_t)'0';
        }
        *is_shared |= span_eq(element, SPAN("i")) || span_eq(element, SPAN("i=?1"));
    }
}

// The page needs what is pushed with it: it goes before the rest of the page.
void h2_order_promise(struct h2 *h, const struct h2_stream *parent, struct h2_stream *pushed) {
    uint32_t urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY;
    bool is_shared = !h->has_order;
    read_field(&parent->base.request, &urgency, &is_shared);
    if (urgency == 0) {
        urgency = 1;
        set(h, parent, urgency, is_shared);
    }
    pushed->urgency = (uint8_t)(urgency - 1);
}

void h2_order_push(struct h2 *h, const struct h2_stream *pushed) {
    set(h, pushed, pushed->urgency, false);
}
