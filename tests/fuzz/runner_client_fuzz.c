// SPDX-License-Identifier: MIT
// The runner's conversation with a front: the input is a script in which the front sends records,
// whole, cut or nonsense, and the owner lets a worker start, answer, end or die. Oracles: what the
// front and the worker get is the same wherever the front's bytes are cut; it is whole records at
// any time; each END_REQUEST answers a BEGIN_REQUEST, and no stream goes on behind it; a worker
// gets one request whose parameters can be read, have no NUL, and whose body is what was sent.
#include "fcgi/params.h"
#include "fcgi/writer.h"
#include "runner/client.h"
#include "support/split.h"

#include <fastcgi.h>
#include <stdlib.h>

#define IDS 256
#define SEEN_MOST (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

struct play {
    struct client client;
    bool is_cut; // the front's bytes come one by one
    bool is_closed;
    bool is_wild; // raw bytes were sent: records may be anything
    int begun[IDS], ended[IDS];
    struct reader front, worker; // read what we write
    struct buf sent;             // the body of the request, as the front sent it
    struct buf got;              // the same, as the worker got it
    struct buf params;
    bool has_params, has_end, has_sent_end;
    struct buf seen; // transcript
};

// ---- what comes out ----

static void on_front(struct play *p, const struct reader_event *e) {
    require(e->type == FCGI_STDOUT || e->type == FCGI_STDERR || e->type == FCGI_END_REQUEST ||
            (e->id == 0 && (e->type == FCGI_GET_VALUES_RESULT || e->type == FCGI_UNKNOWN_TYPE)));
    if (e->kind == READER_PIECE) {
        split_data(&p->seen, e->type == FCGI_STDERR ? "err" : "out", e->piece);
    } else if (e->kind == READER_CLOSE && e->type == FCGI_END_REQUEST) {
        require(e->content_len == 8);
        p->ended[e->id % IDS]++;
        split_line(&p->seen, "end %u\n", e->id);
    }
    // A wild record may hold a BEGIN_REQUEST that the script does not know of.
    require(p->is_wild || p->ended[e->id % IDS] <= p->begun[e->id % IDS]);
    require(p->is_wild || e->id == 0 || e->type == FCGI_END_REQUEST ||
            p->ended[e->id % IDS] < p->begun[e->id % IDS]);
}

static void check_params(struct play *p) {
    struct span rest = buf_span(&p->params);
    struct pair pair;
    enum step step;
    while ((step = params_next(&rest, &pair)) == STEP_ITEM) {
        require(span_index(pair.name, 0) == pair.name.n);
        require(span_index(pair.value, 0) == pair.value.n);
    }
    require(step == STEP_MORE);
    split_data(&p->seen, "params", buf_span(&p->params));
    p->has_params = true;
}

static void on_worker(struct play *p, const struct reader_event *e) {
    require(e->id == p->client.id && !p->has_end);
    require(e->type == FCGI_BEGIN_REQUEST || e->type == FCGI_PARAMS || e->type == FCGI_STDIN);
    require((e->type == FCGI_STDIN) == p->has_params);
    if (e->kind == READER_PIECE && e->type != FCGI_BEGIN_REQUEST) {
        require(buf_put(e->type == FCGI_STDIN ? &p->got : &p->params, e->piece) == 0);
    } else if (e->kind == READER_CLOSE && e->content_len == 0) {
        if (e->type == FCGI_PARAMS) {
            check_params(p);
        }
        p->has_end = e->type == FCGI_STDIN;
    }
}

static void drain(struct play *p) {
    struct client *c = &p->client;
    struct reader_event e;
    reader_feed(&p->front, buf_span(&c->out));
    while (reader_next(&p->front, &e) == STEP_ITEM) {
        on_front(p, &e);
    }
    require(reader_is_between(&p->front));
    buf_take(&c->out, buf_len(&c->out));
    if (c->state != CLIENT_RUNS) {
        return;
    }
    reader_feed(&p->worker, buf_span(&c->in));
    while (reader_next(&p->worker, &e) == STEP_ITEM) {
        on_worker(p, &e);
    }
    require(reader_is_between(&p->worker) && p->has_params);
    buf_take(&c->in, buf_len(&c->in));
    require(p->is_wild ||
            (span_eq(buf_span(&p->got), buf_span(&p->sent)) && p->has_end == p->has_sent_end));
}

// ---- what goes in ----

static void feed(struct play *p, struct span bytes) {
    size_t most = p->is_cut ? 1 : bytes.n;
    while (bytes.n > 0 && !p->is_closed) {
        p->is_closed = !client_feed(&p->client, span_first(bytes, most));
        bytes = span_skip(bytes, most);
    }
}

static void send_record(struct play *p, uint8_t type, uint8_t id, struct span content) {
    struct client *c = &p->client;
    bool is_body = type == FCGI_STDIN && id == c->id && !p->has_sent_end &&
                   (c->state == CLIENT_WAITS || c->state == CLIENT_RUNS);
    uint8_t bytes[READER_HEADER_LEN + 256 + 8];
    uint8_t *at = writer_header(bytes, type, id, content.n);
    memcpy(at, content.p, content.n);
    at = writer_pad(at + content.n, content.n);
    if (type == FCGI_BEGIN_REQUEST && id != 0) {
        p->begun[id]++;
    }
    if (is_body) {
        require(buf_put(&p->sent, content) == 0);
        p->has_sent_end = content.n == 0;
    }
    feed(p, span_of(bytes, (size_t)(at - bytes)));
    if (c->state == CLIENT_HEAD) {
        buf_take(&p->sent, buf_len(&p->sent));
        p->has_sent_end = false;
    }
}

static void start(struct play *p) {
    if (p->client.state == CLIENT_WAITS) {
        buf_take(&p->got, buf_len(&p->got));
        buf_take(&p->params, buf_len(&p->params));
        p->has_params = p->has_end = false;
        reader_init(&p->worker);
        require(client_start(&p->client));
        split_line(&p->seen, "start\n");
    }
}

static void answer(struct play *p, uint8_t type, struct span content) {
    struct client *c = &p->client;
    struct buf bytes;
    if (c->state != CLIENT_RUNS || client_room(c) == 0) {
        return;
    }
    buf_init(&bytes, 4096);
    if (type == FCGI_END_REQUEST) {
        uint8_t end[8] = {0};
        writer_put(&bytes, type, 1, span_of(end, sizeof end));
    } else if (content.n > 0) {
        writer_put(&bytes, type, 1, content);
    } else {
        writer_end(&bytes, type, 1);
    }
    bool is_good = client_answer(c, buf_span(&bytes));
    if (!is_good || c->is_answered) {
        client_end(c);
    }
    buf_fini(&bytes);
}

// ---- the script ----

static uint8_t take(struct span *s) {
    uint8_t byte = s->n ? s->p[0] : 0;
    *s = span_skip(*s, 1);
    return byte;
}

static struct span take_some(struct span *s, size_t n) {
    struct span some = span_first(*s, n);
    *s = span_skip(*s, n);
    return some;
}

static void act(struct play *p, struct span *script) {
    uint8_t act = take(script), type, id;
    switch (act >> 4) {
    case 0xf:
        p->is_wild = true;
        feed(p, take_some(script, act & 15));
        break;
    case 0xe:
        start(p);
        break;
    case 0xd:
        type = act & 3 ? act & 1 ? FCGI_STDOUT : FCGI_STDERR : FCGI_END_REQUEST;
        answer(p, type, take_some(script, take(script)));
        break;
    case 0xc:
        if (p->client.state == CLIENT_RUNS) {
            client_end(&p->client); // the worker died
        }
        break;
    case 0xb:
        if (p->client.state == CLIENT_WAITS) {
            client_refuse(&p->client, "Status: 503\r\n\r\n");
        }
        break;
    default:
        type = act & 15;
        id = take(script);
        send_record(p, type, id, take_some(script, take(script)));
    }
}

static void run(struct play *p, struct span script, bool is_cut) {
    static const struct client_conf conf = {7, 3};
    *p = (struct play){.is_cut = is_cut};
    struct buf *bufs[] = {&p->sent, &p->got, &p->params, &p->seen};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        buf_init(bufs[i], SEEN_MOST);
    }
    client_init(&p->client, &conf, -1);
    reader_init(&p->front);
    while (script.n > 0 && !p->is_closed && client_wants(&p->client)) {
        act(p, &script);
        drain(p);
    }
    split_line(&p->seen, "state %d closed %d\n", (int)p->client.state, p->is_closed);
}

static void finish(struct play *p) {
    client_fini(&p->client);
    buf_fini(&p->sent);
    buf_fini(&p->got);
    buf_fini(&p->params);
    buf_fini(&p->seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct play whole, cut;
    run(&whole, span_of(data, n), false);
    run(&cut, span_of(data, n), true);
    require(span_eq(buf_span(&whole.seen), buf_span(&cut.seen)));
    finish(&whole);
    finish(&cut);
    return 0;
}
