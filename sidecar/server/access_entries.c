// SPDX-License-Identifier: MIT
#include "server/access_entries.h"

#include "base/error.h"
#include "fcgi/pool_address.h"

#include <time.h>

#define STATUS_GONE 499  // the client left before it was answered, as nginx has it
#define REQUEST_LEN 2048 // bytes of a request line; what is longer is cut in the log as well
#define MILLISECONDS 4   // ".123"

static const char *const protocols[] = {
    [PROTOCOL_HTTP10] = "HTTP/1.0", [PROTOCOL_HTTP11] = "HTTP/1.1", [PROTOCOL_HTTP2] = "HTTP/2.0"};

static void put_text(struct access_entry *e, enum access_field field, const char *text) {
    access_entry_text(e, field, span_str(text));
}

// ---- time ---------------------------------------------------------------------------------------

// Once a second, since it takes long.
static void tell_second(struct access_entries *a, time_t second) {
    struct tm utc, local;
    gmtime_r(&second, &utc);
    localtime_r(&second, &local);
    strftime(a->iso, sizeof a->iso, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
    strftime(a->clf, sizeof a->clf, "%d/%b/%Y:%H:%M:%S %z", &local);
    a->second = second;
}

static void put_time(struct access_entries *a, struct access_entry *e) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != a->second) {
        tell_second(a, now.tv_sec);
    }
    char *ms = a->iso + strlen(a->iso) - MILLISECONDS;
    unsigned n = (unsigned)(now.tv_nsec / 1000000);
    ms[0] = (char)('0' + n / 100);
    ms[1] = (char)('0' + n / 10 % 10);
    ms[2] = (char)('0' + n % 10);
    put_text(e, ENTRY_TIME, a->iso);
    put_text(e, ENTRY_CLF_TIME, a->clf);
}

static void put_duration(struct access_entry *e, enum access_field field, uint64_t from_us,
                         uint64_t to_us) {
    access_entry_count(e, field, to_us > from_us ? to_us - from_us : 0);
}

// ---- parts --------------------------------------------------------------------------------------

static void put_request(struct access_entry *e, const struct request *q, char line[REQUEST_LEN]) {
    const struct span *referer = pairs_find(&q->fields, SPAN("referer"));
    const struct span *agent = pairs_find(&q->fields, SPAN("user-agent"));
    struct span target = span_first(q->target, REQUEST_LEN - 128),
                method = span_first(q->method, 64);
    struct span protocol = span_str(protocols[q->protocol]);
    char *at = mempcpy(line, method.p, method.n);
    *at++ = ' ';
    at = mempcpy(at, target.p, target.n);
    *at++ = ' ';
    at = mempcpy(at, protocol.p, protocol.n);
    access_entry_text(e, ENTRY_REQUEST, span_of(line, (size_t)(at - line)));
    access_entry_text(e, ENTRY_METHOD, q->method);
    access_entry_text(e, ENTRY_TARGET, q->target);
    access_entry_text(e, ENTRY_HOST, q->authority);
    access_entry_text(e, ENTRY_REFERER, referer != NULL ? *referer : span_of(NULL, 0));
    access_entry_text(e, ENTRY_AGENT, agent != NULL ? *agent : span_of(NULL, 0));
    put_text(e, ENTRY_PROTOCOL, protocols[q->protocol]);
}

static void put_response(struct access_entry *e, const struct relay *r, int status) {
    access_entry_count(e, ENTRY_STATUS, (uint64_t)status);
    access_entry_count(e, ENTRY_BYTES, r->put);
    access_entry_count(e, ENTRY_RECEIVED, exchange_received(&r->exchange));
    put_duration(e, ENTRY_TOTAL, exchange_asked_us(&r->exchange),
                 r->conf->ops->now_us(r->conf->self));
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

static void put_connection(struct access_entry *e, struct downstream *d) {
    const char *version = NULL, *alpn = NULL;
    if (d->ops->tls != NULL) {
        d->ops->tls(d, &version, &alpn);
    }
    put_text(e, ENTRY_TLS, version);
    put_text(e, ENTRY_ALPN, alpn);
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
    char line[ACCESS_LOG_LINE], request[REQUEST_LEN], client[IP_TEXT_LEN];
    struct ip ip = access_log_client(log, &r->client.ip);
    put_time(a, &e);
    put_request(&e, &r->stream->request, request);
    put_response(&e, r, status);
    put_backend(&e, r, call);
    put_hints(&e, r);
    put_connection(&e, r->down);
    access_entry_text(&e, ENTRY_SITE, exchange_site(&r->exchange)->name);
    access_entry_text(&e, ENTRY_CLIENT,
                      ip.n > 0 ? span_of(client, ip_print(&ip, client)) : SPAN("unix"));
    access_output_put(a->outputs[log->output], span_of(line, access_log_format(log, &e, line)));
}
