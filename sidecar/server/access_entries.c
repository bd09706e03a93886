// SPDX-License-Identifier: MIT
#include "server/access_entries.h"

#include "base/error.h"
#include "fcgi/pool_address.h"

#include <stdlib.h>
#include <time.h>

#define STATUS_GONE 499 // the client left before it was answered, as nginx has it
#define MILLISECONDS 4  // "123Z"
#define BATCH_LEN 16384 // bytes of lines that are given away at once
#define SECOND_US 1000000

struct access_batch {
    struct loop_task flush;
    struct access_output *output;
    size_t n;
    char lines[BATCH_LEN]; // memory that no line has used yet is not there
};

static const struct span protocols[] = {[PROTOCOL_HTTP10] = SPAN_INIT("HTTP/1.0"),
                                        [PROTOCOL_HTTP11] = SPAN_INIT("HTTP/1.1"),
                                        [PROTOCOL_HTTP2] = SPAN_INIT("HTTP/2.0")};

static void put_text(struct access_entry *e, enum access_field field, const char *text) {
    access_entry_text(e, field, span_str(text));
}

// ---- time ---------------------------------------------------------------------------------------

// Once a second, since it takes long.
static void tell_second(struct access_entries *a, time_t second) {
    struct tm utc, local;
    gmtime_r(&second, &utc);
    localtime_r(&second, &local);
    a->iso_len = strftime(a->iso, sizeof a->iso, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
    a->clf_len = strftime(a->clf, sizeof a->clf, "%d/%b/%Y:%H:%M:%S %z", &local);
    a->second = second;
}

// The clock of the day is read once a second; in between it goes on with the monotonic one, which
// is read for each request in any case.
static void put_time(struct access_entries *a, struct access_entry *e, uint64_t now_us) {
    uint64_t since_us = now_us - a->second_us;
    if (a->second == 0 || since_us >= SECOND_US) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        since_us = (uint64_t)now.tv_nsec / 1000;
        a->second_us = now_us - since_us;
        tell_second(a, now.tv_sec);
    }
    char *ms = a->iso + a->iso_len - MILLISECONDS;
    unsigned n = (unsigned)(since_us / 1000);
    ms[0] = (char)('0' + n / 100);
    ms[1] = (char)('0' + n / 10 % 10);
    ms[2] = (char)('0' + n % 10);
    access_entry_text(e, ENTRY_TIME, span_of(a->iso, a->iso_len));
    access_entry_text(e, ENTRY_CLF_TIME, span_of(a->clf, a->clf_len));
}

static void put_duration(struct access_entry *e, enum access_field field, uint64_t from_us,
                         uint64_t to_us) {
    access_entry_count(e, field, to_us > from_us ? to_us - from_us : 0);
}

// ---- parts --------------------------------------------------------------------------------------

static void put_field(struct access_entry *e, const struct access_log *log, enum access_field field,
                      const struct request *q, struct span name) {
    const struct span *value = access_log_has(log, field) ? pairs_find(&q->fields, name) : NULL;
    access_entry_text(e, field, value != NULL ? *value : span_of(NULL, 0));
}

static void put_request(struct access_entry *e, const struct access_log *log,
                        const struct request *q) {
    access_entry_text(e, ENTRY_METHOD, q->method);
    access_entry_text(e, ENTRY_TARGET, q->target);
    access_entry_text(e, ENTRY_HOST, q->authority);
    access_entry_text(e, ENTRY_PROTOCOL, protocols[q->protocol]);
    put_field(e, log, ENTRY_REFERER, q, SPAN("referer"));
    put_field(e, log, ENTRY_AGENT, q, SPAN("user-agent"));
}

static void put_response(struct access_entry *e, const struct relay *r, int status,
                         uint64_t now_us) {
    access_entry_count(e, ENTRY_STATUS, (uint64_t)status);
    access_entry_count(e, ENTRY_BYTES, r->put);
    access_entry_count(e, ENTRY_RECEIVED, exchange_received(&r->exchange));
    put_duration(e, ENTRY_TOTAL, exchange_asked_us(&r->exchange), now_us);
    if (r->error != 0) {
        put_text(e, ENTRY_ERROR, error_row(r->error)->label);
    } else if (!r->is_sent) {
        put_text(e, ENTRY_ERROR, error_row(ERR_CLIENT_GONE)->label);
    }
}

static void put_backend(struct access_entry *e, const struct relay *r, const struct call *call) {
    if (call->server == NULL) {
        return;
    }
    access_entry_text(e, ENTRY_UPSTREAM, call->server->address);
    put_duration(e, ENTRY_QUEUE, call->begun_us, call->placed_us);
    if (call->connected_us == 0) {
        return;
    }
    put_duration(e, ENTRY_CONNECT, call->placed_us, call->connected_us);
    if (call->has_head) {
        put_duration(e, ENTRY_THINK, call->connected_us, r->head_us);
    }
}

static void put_hints(struct access_entry *e, const struct relay *r) {
    const struct hinting *h = exchange_hinting(&r->exchange);
    enum gate_reason reason;
    if (exchange_decision(&r->exchange, &reason)) {
        put_text(e, ENTRY_GATE, gate_reason_row(reason)->label);
    }
    access_entry_count(e, ENTRY_HINTS, h->sent);
    access_entry_count(e, ENTRY_PUSHED, r->pushed);
    if (h->sources != 0) {
        put_text(e, ENTRY_SOURCE, hinting_sources(h));
    }
    if (h->has_informed && r->status != 0) {
        put_duration(e, ENTRY_LEAD, h->informed_us, r->head_us);
    }
}

static void put_connection(struct access_entry *e, const struct access_log *log,
                           struct downstream *d) {
    const char *version = NULL, *alpn = NULL;
    bool has = access_log_has(log, ENTRY_TLS) || access_log_has(log, ENTRY_ALPN);
    if (has && d->ops->tls != NULL) {
        d->ops->tls(d, &version, &alpn);
    }
    put_text(e, ENTRY_TLS, version);
    put_text(e, ENTRY_ALPN, alpn);
}

static void put_client(struct access_entry *e, const struct access_log *log,
                       const struct ip *client, char text[IP_TEXT_LEN]) {
    if (!access_log_has(log, ENTRY_CLIENT)) {
        return;
    }
    struct ip ip = access_log_client(log, client);
    access_entry_text(e, ENTRY_CLIENT,
                      ip.n > 0 ? span_of(text, ip_print(&ip, text)) : SPAN("unix"));
}

// ---- batches ------------------------------------------------------------------------------------

static void flush(struct access_batch *b) {
    if (b->n > 0) {
        access_output_put(b->output, span_of(b->lines, b->n));
    }
    b->n = 0;
}

static void on_flush(struct loop_task *task) {
    flush(LIST_ITEM(task, struct access_batch, flush));
}

// With room for a line.
static struct access_batch *batch_of(struct access_entries *a, unsigned output) {
    struct access_batch *b = &a->batches[output];
    if (BATCH_LEN - b->n < ACCESS_LOG_LINE) {
        flush(b);
    }
    loop_put(a->loop, LOOP_SWEEP, &b->flush);
    return b;
}

void access_entries_init(struct access_entries *a) {
    size_t n = 0;
    while (a->outputs[n] != NULL) {
        n++;
    }
    a->batches = calloc(n + 1, sizeof *a->batches);
    if (a->batches == NULL) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        list_init(&a->batches[i].flush.node);
        a->batches[i].flush.run = on_flush;
        a->batches[i].output = a->outputs[i];
    }
}

void access_entries_fini(struct access_entries *a) {
    for (size_t i = 0; a->outputs[i] != NULL; i++) {
        flush(&a->batches[i]);
    }
    free(a->batches);
}

// ---- the whole ----------------------------------------------------------------------------------

// xorshift32 (Marsaglia 2003): to choose requests, not to keep anything secret.
static uint32_t draw(struct access_entries *a) {
    uint32_t x = a->draw != 0 ? a->draw : 0x9e3779b9;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return a->draw = x;
}

void access_entries_put(struct access_entries *a, struct relay *r, const struct call *call,
                        const struct access_log *log) {
    int status = r->status != 0 ? r->status : r->error != 0 ? 0 : STATUS_GONE;
    if (!access_log_wants(log, status, draw(a))) {
        return;
    }
    struct access_entry e;
    e.known = 0;
    char client[IP_TEXT_LEN];
    uint64_t now_us = r->conf->ops->now_us(r->conf->self);
    put_time(a, &e, now_us);
    put_request(&e, log, &r->stream->request);
    put_response(&e, r, status, now_us);
    put_backend(&e, r, call);
    put_hints(&e, r);
    put_connection(&e, log, r->down);
    put_client(&e, log, &r->client.ip, client);
    access_entry_text(&e, ENTRY_SITE, exchange_site(&r->exchange)->name);
    struct access_batch *b = batch_of(a, log->output);
    b->n += access_log_format(log, &e, b->lines + b->n);
}
