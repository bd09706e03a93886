// SPDX-License-Identifier: MIT
#include "sim/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "exchange/page.h"
#include "support/split.h"

#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT (64u << 20)
#define CUTS 64 // a script longer than this many bytes is cut at so many places only

// ---- what was seen ------------------------------------------------------------------------------

// The body is one of our own pages for that status.
static bool is_page(const struct heard *s) {
    bool found = false;
    for (int error = -1; s->end == SEEN_COMPLETE && !found && error >= -ERROR_COUNT; error--) {
        struct arena a;
        struct page page;
        arena_init(&a, 4096);
        page_error(&page, error, 0, &a);
        found = page.head.status == s->status && span_eq(page.body, buf_span(&s->body));
        arena_fini(&a);
    }
    return found && s->status >= 400 && buf_len(&s->body) > 0;
}

static void write_seen(const struct heard *s, struct buf *text) {
    if (!is_page(s)) {
        visitor_write(s, text);
        return;
    }
    struct span heads = buf_span(&s->heads); // the page's own is known
    for (unsigned i = 0; i < s->informs; i++) {
        size_t n = span_find(heads, SPAN("] ")) + 2;
        split_line(text, "%.*s", SPAN_ARG(span_first(heads, n)));
        heads = span_skip(heads, n);
    }
    split_line(text, "%d page complete", s->status);
}

static void write_client(const struct visitor *c, struct buf *text) {
    const char *joint = "";
    for (size_t i = 0; i < c->seen_n; i++) {
        if (!c->seen[i]->is_push) {
            split_line(text, "%s", joint);
            write_seen(c->seen[i], text);
            joint = " | ";
        }
    }
    for (size_t i = 0; i < c->seen_n; i++) {
        if (c->seen[i]->is_push) {
            split_line(text, " + %.*s ", SPAN_ARG(buf_span(&c->seen[i]->path)));
            write_seen(c->seen[i], text);
        }
    }
    if (c->goaway > 1) {
        split_line(text, " goaway %u", c->goaway - 1);
    }
}

static void write_backends(const struct stage *s, struct buf *text) {
    for (size_t i = 0; i < s->backends_n; i++) {
        const struct backend *b = stage_backend(s, i);
        split_line(text, "%s", i > 0 ? " | " : "");
        for (size_t k = 0; k < b->peer.asked_n; k++) {
            split_line(text, "%s", k > 0 ? " ~ " : "");
            peer_write(&b->peer.asked[k], text);
        }
        split_line(text, "%s",
                   b->was_dropped               ? " dropped"
                   : b->is_orphan && b->is_dead ? " orphan over"
                   : b->is_orphan               ? " orphan"
                                                : "");
    }
}

// Names and values that the row asks for, against the first request of all.
static void write_params(const struct play *play, const struct stage *s, struct buf *text) {
    const struct backend *b = stage_backend(s, 0);
    const struct asked *a = b != NULL && b->peer.asked_n > 0 ? &b->peer.asked[0] : NULL;
    struct span has = span_str(play->has), lacks = span_str(play->lacks), line;
    while (a != NULL && span_cut(&has, '\n', &line)) {
        size_t n = span_index(line, '=');
        const struct span *value = peer_param(a, span_first(line, n));
        if (line.n > 0 && (value == NULL || !span_eq(*value, span_skip(line, n + 1)))) {
            split_line(text, "\nnot %.*s but %.*s", SPAN_ARG(line), value ? (int)value->n : 7,
                       value ? (const char *)value->p : "nothing");
        }
    }
    while (a != NULL && span_cut(&lacks, '\n', &line)) {
        if (line.n > 0 && peer_param(a, line) != NULL) {
            split_line(text, "\nyet %.*s", SPAN_ARG(line));
        }
    }
}

static const struct part *part_of(const struct stage *s, int32_t id) {
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        const struct part *p = LIST_ITEM(n, struct part, node);
        if (p->id == id) {
            return p;
        }
    }
    return NULL;
}

static enum exchange_state state_of(const struct part *p) {
    return p->relay != NULL ? p->relay->exchange.state : p->state;
}

// What the client has of a body is of what was given, or a page of our own.
static bool is_of_given(const struct part *p, const struct heard *seen) {
    bool is_ours = buf_len(&p->given) == 0 && seen->status >= 300;
    struct buf room;
    bool is_given = span_has_prefix(buf_span(&p->given), visitor_plain(seen, &room));
    buf_fini(&room);
    return is_ours || is_given;
}

static const char *fault_of(const struct part *p, const struct heard *seen) {
    // Without a body, the head is all.
    bool is_bare = seen->is_head || seen->status == 204 || seen->status == 304;
    bool is_whole = state_of(p) == EXCHANGE_DONE || seen->has_all || is_bare;
    if (!is_of_given(p, seen)) {
        return "bytes that nobody gave";
    }
    return seen->end == SEEN_COMPLETE && !is_whole ? "a response that looks complete and is not"
                                                   : NULL;
}

const char *play_fault(struct stage *s) {
    const char *fault = s->fault != NULL ? s->fault : s->client.fault;
    for (size_t i = 0; fault == NULL && i < s->backends_n; i++) {
        fault = stage_backend(s, i)->peer.fault;
    }
    for (size_t i = 0; fault == NULL && i < s->client.seen_n; i++) {
        const struct part *p = part_of(s, s->client.seen[i]->id);
        fault = p != NULL ? fault_of(p, s->client.seen[i]) : NULL;
    }
    for (struct list *n = s->parts.next; fault == NULL && n != &s->parts; n = n->next) {
        const struct part *p = LIST_ITEM(n, struct part, node);
        bool is_over = state_of(p) == EXCHANGE_DONE || state_of(p) == EXCHANGE_BROKEN;
        if (p->relay == NULL && !is_over) {
            fault = "a stream that ended before its exchange";
        }
    }
    return fault;
}

// ---- performing ---------------------------------------------------------------------------------

struct run {
    const struct play *play;
    struct performance *out;
    struct stage stage;
    struct heard *request; // sent last
    size_t on;             // number of a connection + 1, or 0: the last one
};

static struct backend *chosen(const struct run *r) {
    return stage_backend(&r->stage, r->on > 0 ? r->on - 1 : r->stage.backends_n - 1);
}

static void compose(const struct act *act, uint16_t id, struct buf *bytes) {
    struct peer_record record = act->record;
    uint8_t type = act->kind == ACT_OUT ? FCGI_STDOUT : FCGI_STDERR;
    switch (act->kind) {
    case ACT_OUT:
    case ACT_ERR:
        for (int i = 0; i < act->n; i++) {
            peer_put_stream(bytes, type, id, span_str(act->text));
        }
        break;
    case ACT_END:
        peer_put_end(bytes, id, (uint8_t)act->n);
        break;
    case ACT_RECORD:
        peer_put(bytes, &record);
        break;
    case ACT_RAW:
        buf_put(bytes, span_of(act->text, (size_t)act->n));
        break;
    default:
        break;
    }
}

// The application writes; at the cut, time passes in between.
static void write_bytes(struct run *r, const struct act *act) {
    struct backend *b = chosen(r);
    struct buf bytes;
    buf_init(&bytes, LIMIT);
    compose(act, b != NULL ? peer_id(&b->peer) : 1, &bytes);
    struct span all = buf_span(&bytes);
    size_t from = r->out->bytes, cut = r->out->cut;
    r->out->bytes += all.n;
    if (act->kind == ACT_END && b != NULL && b->peer.asked_n > 0) {
        b->peer.asked[b->peer.asked_n - 1].is_answered = true;
    }
    if (cut > from && cut < from + all.n) {
        stage_write(&r->stage, b, span_first(all, cut - from));
        stage_turn(&r->stage);
        all = span_skip(all, cut - from);
    }
    stage_write(&r->stage, b, all);
    if (cut == r->out->bytes) {
        stage_turn(&r->stage);
    }
    buf_fini(&bytes);
}

static bool is_written(enum act_kind kind) {
    return kind >= ACT_OUT && kind <= ACT_RAW;
}

static void reject(struct visitor *c) {
    for (size_t i = 0; i < c->seen_n; i++) {
        if (c->seen[i]->is_push) {
            visitor_reset(c, c->seen[i]);
            return;
        }
    }
}

static void perform(struct run *r, const struct act *act) {
    struct stage *s = &r->stage;
    struct visitor *c = &s->client;
    switch (act->kind) {
    case ACT_CLOSE:
        stage_close(s, chosen(r));
        break;
    case ACT_FAIL:
        stage_fail(s, chosen(r), act->n);
        break;
    case ACT_BODY:
        for (int i = 0; i < act->n; i++) {
            visitor_body(c, r->request, act->text);
        }
        break;
    case ACT_BODY_END:
        visitor_end(c, r->request);
        break;
    case ACT_REQUEST:
        r->request = visitor_request(c, act->text);
        break;
    case ACT_RESET:
        if (!visitor_reset(c, r->request)) {
            stage_lose_client(s);
        }
        break;
    case ACT_REJECT:
        reject(c);
        break;
    case ACT_GOAWAY:
        visitor_goaway(c);
        break;
    case ACT_OPEN:
        visitor_open(c, act->n);
        break;
    case ACT_LOSE:
        stage_lose_client(s);
        break;
    case ACT_ON:
        r->on = (size_t)act->n + 1;
        break;
    case ACT_TURN:
        break;
    case ACT_WAIT:
        stage_wait(s, (uint64_t)act->n);
        break;
    case ACT_SHUT:
        stage_shut_down(s);
        break;
    default:
        write_bytes(r, act);
        break;
    }
}

void play_perform(const struct play *play, struct performance *out) {
    struct run *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->play = play;
    r->out = out;
    out->bytes = 0;
    buf_init(&out->text, LIMIT);
    stage_init(&r->stage, &out->conf);
    r->request = visitor_request(&r->stage.client, play->request ? play->request : "GET /");
    stage_turn(&r->stage);
    for (size_t i = 0; i < PLAY_ACTS && play->acts[i].kind != ACT_NOTHING; i++) {
        const struct act *act = &play->acts[i];
        perform(r, act);
        // What the application writes in one go arrives at once, with the end behind it.
        bool goes_on = is_written(act->kind) && i + 1 < PLAY_ACTS &&
                       (is_written(act[1].kind) || act[1].kind == ACT_CLOSE);
        if (!goes_on) {
            stage_turn(&r->stage);
        }
    }
    stage_turn(&r->stage);
    write_client(&r->stage.client, &out->text);
    split_line(&out->text, "\n<- ");
    write_backends(&r->stage, &out->text);
    struct span errors = buf_span(&r->stage.errors);
    split_line(&out->text, "\n!! %.*s\n2> %zu",
               SPAN_ARG(span_first(errors, errors.n - (errors.n > 0))), r->stage.errors_len);
    if (play->taught != NULL) {
        struct span taught = buf_span(&r->stage.taught);
        split_line(&out->text, "\nlearned %.*s",
                   SPAN_ARG(span_first(taught, taught.n - (taught.n > 0))));
    }
    write_params(play, &r->stage, &out->text);
    out->fault = play_fault(&r->stage);
    stage_fini(&r->stage);
    free(r);
}

// ---- judging ------------------------------------------------------------------------------------

// What an HTTP/1.1 client sees of it: no interim responses, no pushes.
static void write_h1(const struct play *play, struct buf *text) {
    struct span left = span_str(play->client);
    if (play->h1 != NULL) {
        split_line(text, "%s", play->h1);
        return;
    }
    left = span_first(left, span_find(left, SPAN(" + ")));
    while (left.n > 0) {
        size_t at = span_find(left, SPAN("103 ["));
        split_line(text, "%.*s", SPAN_ARG(span_first(left, at)));
        left = span_skip(left, at);
        left = span_skip(left, left.n > 0 ? span_find(left, SPAN("] ")) + 2 : 0);
    }
}

static void check(const struct play *play, const struct performance *as) {
    struct performance p = *as;
    struct buf want;
    buf_init(&want, LIMIT);
    if (p.conf.is_h2) {
        split_line(&want, "%s", play->client);
    } else {
        write_h1(play, &want);
    }
    split_line(&want, "\n<- %s\n!! %s\n2> %zu", play->backend ? play->backend : "GET /index.php",
               play->error ? play->error : "", play->errors_len);
    if (play->taught != NULL) {
        split_line(&want, "\nlearned %s", play->taught);
    }
    play_perform(play, &p);
    if (p.fault != NULL || !span_eq(buf_span(&p.text), buf_span(&want))) {
        print_error(
            "%s\n%s, application cut at %zu, by %zu; client by %zu: %s\nwant %.*s\nseen %.*s\n",
            play->name, p.conf.is_h2 ? "HTTP/2" : "HTTP/1.1", p.cut, p.conf.app_step,
            p.conf.client_step, p.fault ? p.fault : "", SPAN_ARG(buf_span(&want)),
            SPAN_ARG(buf_span(&p.text)));
        fail();
    }
    buf_fini(&want);
    buf_fini(&p.text);
}

static void check_on(const struct play *play, bool is_h2) {
    struct performance p = {.conf = {.is_h2 = is_h2,
                                     .is_http10 = play->is_http10,
                                     .keeps = play->keeps,
                                     .takes_pushes = !play->takes_no_pushes,
                                     .buffers = play->buffers,
                                     .stores = play->stores,
                                     .relay = play->relay,
                                     .compressions = play->compressions,
                                     .body_limit = play->body_limit,
                                     .window = play->window}};
    struct performance whole = p;
    check(play, &p);
    play_perform(play, &whole);
    buf_fini(&whole.text);
    size_t stride = whole.bytes / CUTS + 1;
    for (p.cut = 1; p.cut < whole.bytes; p.cut += stride) {
        check(play, &p);
    }
    p.cut = 0;
    p.conf.app_step = whole.bytes > 20000 ? 61 : 1;
    check(play, &p);
    p.conf.client_step = 1;
    check(play, &p);
}

void play_check(const struct play *play) {
    if (!play->is_h1_only && !play->is_http10) {
        check_on(play, true);
    }
    if (!play->is_h2_only) {
        check_on(play, false);
    }
}
