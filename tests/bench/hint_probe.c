// SPDX-License-Identifier: MIT
// Measures how long after a request its first hint comes back:
//
//     hint_probe PORT PATH REQUESTS push|nopush
//
// Each request has an HTTP/2 connection of its own over TLS to 127.0.0.1, made and greeted before,
// and says what a browser says when it navigates. A hint is a 103, or with "push" also a
// PUSH_PROMISE. Prints a line for each: microseconds from before the write of the request to the
// hint, 0 without one, and to the final header fields. The certificate is not looked at.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIELD(name, value)                                                                         \
    { (uint8_t *)(name), (uint8_t *)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE }

struct probe {
    SSL *tls;
    nghttp2_session *h2;
    int32_t stream; // the request under way
    int status;     // last seen of it
    bool is_greeted, is_over;
    uint64_t start, hint, final; // microseconds; 0: not yet
};

static void fail(const char *what) {
    fprintf(stderr, "hint_probe: %s\n", what);
    exit(1);
}

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *self) {
    struct probe *p = self;
    (void)h2, (void)flags;
    if (frame->hd.stream_id == p->stream && name_len == 7 && memcmp(name, ":status", 7) == 0)
        p->status = value_len == 3 ? atoi((const char *)value) : 0;
    return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *self) {
    struct probe *p = self;
    (void)h2;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        p->is_greeted = true;
    if (frame->hd.stream_id != p->stream || p->stream == 0)
        return 0;
    bool is_head = frame->hd.type == NGHTTP2_HEADERS;
    if (p->hint == 0 && ((is_head && p->status == 103) || frame->hd.type == NGHTTP2_PUSH_PROMISE))
        p->hint = now_us();
    else if (is_head && p->status >= 200 && p->final == 0)
        p->final = now_us();
    return 0;
}

static int on_close(nghttp2_session *h2, int32_t stream, uint32_t error, void *self) {
    struct probe *p = self;
    (void)h2;
    if (stream != p->stream)
        return 0;
    if (error != 0 || p->status != 200)
        fail("a request failed");
    p->is_over = true;
    return 0;
}

static void write_all(struct probe *p) {
    const uint8_t *bytes;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(p->h2, &bytes)) > 0)
        if (SSL_write(p->tls, bytes, (int)len) != len)
            fail("cannot write");
}

static void turn(struct probe *p) {
    static uint8_t in[65536];
    int len = SSL_read(p->tls, in, sizeof in);
    if (len <= 0 || nghttp2_session_mem_recv(p->h2, in, (size_t)len) != len)
        fail("the connection ended");
    write_all(p);
}

static void ask(struct probe *p, const char *path) {
    nghttp2_nv fields[] = {
        FIELD(":method", "GET"),
        FIELD(":scheme", "https"),
        FIELD(":authority", "localhost"),
        FIELD(":path", path),
        FIELD("sec-fetch-mode", "navigate"),
        FIELD("sec-fetch-dest", "document"),
        FIELD("accept", "text/html"),
        FIELD("user-agent",
              "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"),
        FIELD("sec-ch-ua", "\"Chromium\";v=\"156\"")};
    p->start = now_us();
    p->stream =
        nghttp2_submit_request(p->h2, NULL, fields, sizeof fields / sizeof *fields, NULL, NULL);
    write_all(p);
    while (!p->is_over)
        turn(p);
}

static SSL *connect_to(SSL_CTX *context, int port) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    SSL *tls = SSL_new(context);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (tls == NULL || connect(fd, (struct sockaddr *)&where, sizeof where) < 0)
        fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL_set_alpn_protos(tls, (const unsigned char *)"\x02h2", 3);
    SSL_set_tlsext_host_name(tls, "localhost");
    if (SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
        fail("no TLS");
    return tls;
}

static void greet(struct probe *p, bool push) {
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, push},
                                         {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
    nghttp2_session_callbacks *calls;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    if (nghttp2_session_client_new(&p->h2, calls, p) != 0)
        fail("no memory");
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(p->h2, NGHTTP2_FLAG_NONE, settings, 2);
    write_all(p);
    while (!p->is_greeted)
        turn(p);
}

int main(int argc, char **argv) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (argc != 5 || context == NULL) {
        fprintf(stderr, "usage: hint_probe PORT PATH REQUESTS push|nopush\n");
        return 2;
    }
    for (long left = atol(argv[3]); left > 0; left--) {
        struct probe p = {.tls = connect_to(context, atoi(argv[1]))};
        greet(&p, strcmp(argv[4], "push") == 0);
        ask(&p, argv[2]);
        printf("%ld %ld\n", p.hint == 0 ? 0L : (long)(p.hint - p.start), (long)(p.final - p.start));
        nghttp2_session_del(p.h2);
        close(SSL_get_fd(p.tls));
        SSL_free(p.tls);
    }
    SSL_CTX_free(context);
    return 0;
}
