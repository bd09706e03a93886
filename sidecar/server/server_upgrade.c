// SPDX-License-Identifier: MIT
#include "server/server_inside.h"

#include "server/log.h"
#include "server/notify.h"
#include "server/opener.h"

#include <stdio.h>
#include <unistd.h>

#define SOCKETS_MOST 1024

// Why it cannot be done, or NULL.
static const char *why_not(const struct server *s) {
    if (s->api.is_draining) {
        return "it is about to end";
    }
    if (s->upgrade.state == UPGRADE_UNDER_WAY) {
        return "another program has been started already";
    }
    if (s->spawn.keeper != 0) {
        return "programs of spawn sections would run twice: a restart is needed";
    }
    return getpid() == 1 ? "as the first process of a container it would end the container" : NULL;
}

// The workers have duplicates of the sockets, and what waits there the new program accepts.
static void leave(struct server *s) {
    char lines[64];
    snprintf(lines, sizeof lines, "MAINPID=%d\nREADY=1", s->upgrade.pid);
    notify(lines);
    log_line(LOG_INFO, "process %d serves in the place of this one, which completes its requests",
             s->upgrade.pid);
    s->api.is_draining = true;
    admin_port_leave(&s->admin);
    listening_close(&s->listening);
    for (struct list *n = s->generations.next; n != &s->generations; n = n->next) {
        generation_stop(LIST_ITEM(n, struct generation, node), WORKER_LEAVES);
    }
}

static void on_done(void *self, bool is_ready) {
    struct server *s = self;
    if (s->api.is_draining) {
        return; // we were told to end meanwhile
    }
    if (is_ready) {
        leave(s);
    } else {
        opener_take_back();
        keeping_resume(&s->persistence);
    }
}

const char *server_state(void *self) {
    static const char *const states[] = {[UPGRADE_NONE] = "serving",
                                         [UPGRADE_UNDER_WAY] = "upgrading",
                                         [UPGRADE_FAILED] = "not upgraded",
                                         [UPGRADE_DONE] = "upgraded"};
    const struct server *s = self;
    return s->is_ready ? states[s->upgrade.state] : "starting";
}

void server_init_upgrade(struct server *s) {
    s->upgrade.loop = &s->loop;
    s->upgrade.on_done = on_done;
    s->upgrade.self = s;
}

static bool upgrade(struct server *s) {
    int sockets[SOCKETS_MOST];
    const char *why = why_not(s);
    if (why != NULL) {
        log_line(LOG_ERROR, "no other program is started in the place of this one: %s", why);
        return false;
    }
    unsigned n = listening_list(&s->listening, sockets, SOCKETS_MOST - 1);
    if (s->config->has_admin) {
        sockets[n++] = s->admin_fd;
    }
    keeping_pause(&s->persistence); // the new one reads it
    int err =
        upgrade_start(&s->upgrade, sockets, n, opener_lend(), s->now->config->upgrade_timeout_ms);
    if (err != 0) {
        on_done(s, false);
    }
    return err == 0;
}

void server_on_upgrade(uv_signal_t *handle, int number) {
    log_line(LOG_INFO, "another program takes the place of this one on signal %d", number);
    upgrade(handle->data);
}

bool server_on_asked_upgrade(void *self, struct buf *errors) {
    log_copy_errors(errors);
    bool is_started = upgrade(self);
    log_copy_errors(NULL);
    return is_started;
}
