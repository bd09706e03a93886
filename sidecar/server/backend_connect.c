// SPDX-License-Identifier: MIT
// How a connection to a FastCGI server comes about.
#include "server/backend.h"

#include "base/error.h"
#include "server/upstream_address.h"

#include <errno.h>
#include <unistd.h>

#define KEEPALIVE_S 30 // of silence, until TCP asks whether the server's machine is still there

static void backend_connected(struct backend *b) {
    b->is_connected = true;
    if (b->call != NULL) {
        b->call->connected_us = b->call->is_timed ? loop_now_us() : 0;
        call_wait_for(b->call, DEADLINE_CALL_THINKING);
    }
    backend_read(b, true);
    backend_wants_flush(b);
}

static void on_connect(uv_connect_t *connect, int status) {
    struct backend *b = connect->data;
    if (b->is_dead) {
        return;
    }
    if (status != 0) {
        backend_failed(b, ERR_BACKEND_CONNECT, uv_strerror(status));
        return;
    }
    backend_connected(b);
}

// A unix socket connects at once or not at all, so that the request can leave in this turn.
static int connect_unix(struct backend *b, const struct upstream_address *address) {
    int err = 0;
    uv_pipe_init(&b->upstream->loop->uv, &b->io.pipe, 0);
    b->io.handle.data = b;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return uv_translate_sys_error(errno);
    }
    if (connect(fd, &address->to.any, address->len) != 0) {
        err = uv_translate_sys_error(errno);
    } else {
        err = uv_pipe_open(&b->io.pipe, fd);
    }
    if (err != 0) {
        close(fd);
        return err;
    }
    backend_connected(b);
    return 0;
}

static int connect_tcp(struct backend *b, const struct upstream_address *address) {
    uv_tcp_init(&b->upstream->loop->uv, &b->io.tcp);
    b->io.handle.data = b;
    uv_tcp_nodelay(&b->io.tcp, 1);
    // An orphan ends when its server's machine is gone.
    uv_tcp_keepalive(&b->io.tcp, 1, KEEPALIVE_S);
    b->connect.data = b;
    return uv_tcp_connect(&b->connect, &b->io.tcp, &address->to.any, on_connect);
}

int backend_connect(struct backend *b) {
    const struct upstream_address *address = &b->upstream->addresses[b->server];
    return b->upstream->conf->servers[b->server].is_unix ? connect_unix(b, address)
                                                         : connect_tcp(b, address);
}
