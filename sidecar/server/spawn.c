// SPDX-License-Identifier: MIT
#include "server/spawn.h"

#include "base/error.h"
#include "server/log.h"
#include "server/spawn_keeper.h"
#include "server/spawn_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define AWAIT_MS 5000 // for programs that open their sockets themselves
#define AWAIT_LOOK_MS 20

static int failed(const char *what, const char *which) {
    log_line(LOG_ERROR, "spawn: %s%s: %s", what, which, strerror(errno));
    return ERR_LISTEN;
}

static char *keep(struct spawn *s, const char *before, struct span text, const char *behind) {
    size_t len = strlen(before) + text.n + strlen(behind) + 1;
    char *p = arena_alloc(&s->arena, len);
    snprintf(p, len, "%s%.*s%s", before, SPAN_ARG(text), behind);
    return p;
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void remove_sockets(struct spawn *s) {
    for (size_t i = 0; i < s->config.spawns_n; i++) {
        spawn_socket_remove(&s->sockets[i]);
    }
}

// ---- programs -----------------------------------------------------------------------------------

static bool is_path(const struct spawn_conf *conf, size_t i) {
    return span_has_prefix(conf->env.v[i], SPAN("PATH="));
}

static void init_texts(struct spawn *s, struct spawn_program *p, const struct spawn_conf *conf) {
    size_t env_n = 0;
    bool has_path = false;
    p->argv = arena_alloc(&s->arena, (conf->command.n + 1) * sizeof *p->argv);
    p->env = arena_alloc(&s->arena, (conf->env.n + 2) * sizeof *p->env);
    for (size_t i = 0; i < conf->command.n; i++) {
        p->argv[i] = keep(s, "", conf->command.v[i], "");
    }
    p->argv[conf->command.n] = NULL;
    for (size_t i = 0; i < conf->env.n; i++) {
        p->env[env_n++] = keep(s, "", conf->env.v[i], "");
        has_path = has_path || is_path(conf, i);
    }
    if (!has_path) {
        p->env[env_n++] = keep(s, PATH, SPAN(""), "");
    }
    p->env[env_n] = NULL;
}

// Who its processes become.
static int init_user(struct spawn *s, struct spawn_program *p, const struct spawn_conf *conf) {
    struct span name = conf->user.n > 0 ? conf->user : s->config.user;
    if (name.n == 0) {
        if (geteuid() == 0) {
            log_line(LOG_WARN, "pool %s: %s runs as root; set user to change that", p->pool,
                     p->argv[0]);
        }
        return 0;
    }
    const struct passwd *user = getpwnam((const char *)name.p);
    if (user == NULL) {
        log_line(LOG_ERROR, "pool %s: there is no user \"%.*s\"", p->pool, SPAN_ARG(name));
        return ERR_CONFIG;
    }
    if (geteuid() != 0) {
        if (conf->user.n > 0 && user->pw_uid != geteuid()) {
            log_line(LOG_WARN,
                     "pool %s: only root can become \"%.*s\"; staying the user that we are",
                     p->pool, SPAN_ARG(name));
        }
        return 0;
    }
    p->user = keep(s, "", name, "");
    p->uid = user->pw_uid;
    p->gid = user->pw_gid;
    return 0;
}

static int init_program(struct spawn *s, struct spawn_program *p, size_t i, int nothing) {
    const struct spawn_conf *conf = &s->config.spawns[i];
    struct span pool = s->config.pools[conf->pool].name;
    char name[256];
    *p = (struct spawn_program){.processes_n = conf->processes, .input = nothing};
    p->pool = keep(s, log_escape(pool, name, sizeof name), SPAN(""), "");
    p->processes = arena_alloc(&s->arena, conf->processes * sizeof *p->processes);
    for (unsigned k = 0; k < conf->processes; k++) {
        p->processes[k] = (struct spawn_process){.output = -1};
    }
    if (s->sockets[i].fd >= 0) {
        p->input = s->sockets[i].fd;
        p->serves = true;
    }
    init_texts(s, p, conf);
    return init_user(s, p, conf);
}

// ---- the configuration that is served -----------------------------------------------------------

// A copy of the pools, in which each has servers.
static int open_sockets(struct spawn *s) {
    const struct config *c = &s->config;
    struct pool_conf *pools = arena_alloc(&s->arena, c->pools_n * sizeof *pools);
    // Who connects: unless we are root, it is us who makes the sockets.
    const struct passwd *user =
        c->user.n > 0 && geteuid() == 0 ? getpwnam((const char *)c->user.p) : NULL;
    memcpy(pools, c->pools, c->pools_n * sizeof *pools);
    s->config.pools = pools;
    for (size_t i = 0; i < c->spawns_n; i++) {
        struct pool_conf *pool = &pools[c->spawns[i].pool];
        struct pool_server_conf *server = arena_alloc(&s->arena, sizeof *server);
        if (pool->server_count > 0) {
            continue;
        }
        if (spawn_socket_open(&s->sockets[i], user) < 0) {
            return failed("cannot make a socket ", s->sockets[i].path);
        }
        char *address = keep(s, "unix:", span_str(s->sockets[i].path), "");
        *server = (struct pool_server_conf){.address = span_str(address),
                                            .is_unix = true,
                                            .path = span_str(address + strlen("unix:")),
                                            .weight = 1};
        pool->servers = server;
        pool->server_count = 1;
    }
    return 0;
}

// ---- the keeper ---------------------------------------------------------------------------------

static int fork_keeper(struct spawn *s, struct spawn_program *programs) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return failed("socketpair", "");
    }
    s->keeper = fork();
    if (s->keeper == 0) {
        close(ends[0]);
        spawn_keeper_run(programs, s->config.spawns_n, ends[1]);
        remove_sockets(s);
        _exit(0); // what the server would do at its end is not ours to do
    }
    close(ends[1]);
    if (s->keeper < 0) {
        s->keeper = 0;
        close(ends[0]);
        return failed("fork", "");
    }
    s->control = ends[0];
    for (size_t i = 0; i < s->config.spawns_n; i++) {
        spawn_socket_close(&s->sockets[i]); // connecting is to fail when the keeper is gone
    }
    return 0;
}

static int open_all(struct spawn *s) {
    // Whatever we were started with: nothing of what follows may be standard input or output.
    int nothing = open("/dev/null", O_RDWR);
    while (nothing >= 0 && nothing <= STDERR_FILENO) {
        nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    }
    size_t n = s->config.spawns_n;
    struct spawn_program *programs = arena_alloc(&s->arena, n * sizeof *programs);
    int err = nothing < 0 ? failed("/dev/null", "") : open_sockets(s);
    for (size_t i = 0; i < n && err == 0; i++) {
        err = init_program(s, &programs[i], i, nothing);
    }
    if (err == 0) {
        err = fork_keeper(s, programs);
    }
    close_fd(&nothing);
    return err;
}

int spawn_open(struct spawn *s, const struct config *config) {
    *s = (struct spawn){.config = *config, .control = -1};
    arena_init(&s->arena, SIZE_MAX / 2);
    if (config->spawns_n == 0) {
        return 0;
    }
    s->sockets = arena_alloc(&s->arena, config->spawns_n * sizeof *s->sockets);
    for (size_t i = 0; i < config->spawns_n; i++) {
        s->sockets[i] = (struct spawn_socket){.fd = -1, .folder_fd = -1};
    }
    int err = open_all(s);
    if (err != 0) {
        spawn_close(s);
    }
    return err;
}

// ---- another configuration ----------------------------------------------------------------------

static bool is_same_list(const struct span_list *a, const struct span_list *b) {
    bool is_same = a->n == b->n;
    for (size_t i = 0; is_same && i < a->n; i++) {
        is_same = span_eq(a->v[i], b->v[i]);
    }
    return is_same;
}

static bool is_same(const struct spawn_conf *a, const struct spawn_conf *b) {
    return a->processes == b->processes && span_eq(a->user, b->user) &&
           is_same_list(&a->command, &b->command) && is_same_list(&a->env, &b->env);
}

// The program of the pool of that name, or NULL.
static const struct spawn_conf *find(const struct spawn *s, struct span pool) {
    for (size_t i = 0; i < s->config.spawns_n; i++) {
        const struct spawn_conf *conf = &s->config.spawns[i];
        if (span_eq(s->config.pools[conf->pool].name, pool)) {
            return conf;
        }
    }
    return NULL;
}

int spawn_adopt(const struct spawn *s, struct config *config) {
    struct pool_conf *pools = arena_alloc(&config->arena, config->pools_n * sizeof *pools);
    bool is_good = config->spawns_n == s->config.spawns_n;
    memcpy(pools, config->pools, config->pools_n * sizeof *pools);
    config->pools = pools;
    for (size_t i = 0; is_good && i < config->spawns_n; i++) {
        struct pool_conf *pool = &pools[config->spawns[i].pool];
        const struct spawn_conf *runs = find(s, pool->name);
        is_good = runs != NULL && is_same(runs, &config->spawns[i]);
        if (is_good && pool->server_count == 0) {
            pool->servers = s->config.pools[runs->pool].servers;
            pool->server_count = s->config.pools[runs->pool].server_count;
        }
    }
    if (!is_good) {
        log_line(LOG_ERROR, "spawn: other programs than those that run need a restart");
    }
    return is_good ? 0 : ERR_CONFIG;
}

// ---- the start ----------------------------------------------------------------------------------

static int connect_to(const struct sockaddr *to, socklen_t len) {
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int why = fd < 0 || connect(fd, to, len) < 0 ? errno : 0;
    close_fd(&fd);
    return why;
}

// 0, or why nobody can be connected to there.
static int try_server(const struct pool_server_conf *server) {
    if (server->is_unix) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        memcpy(to.sun_path, server->path.p, server->path.n);
        return connect_to((struct sockaddr *)&to, sizeof to);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char host[256], port[8];
    snprintf(host, sizeof host, "%.*s", SPAN_ARG(server->host));
    snprintf(port, sizeof port, "%u", server->port);
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return 0; // what the workers say of it is clearer
    }
    int why = connect_to(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return why;
}

static void await_server(const struct pool_server_conf *server, uint64_t until_ms) {
    int why = try_server(server);
    while ((why == ENOENT || why == ECONNREFUSED) && uv_hrtime() / 1000000 < until_ms) {
        usleep(AWAIT_LOOK_MS * 1000);
        why = try_server(server);
    }
    if (why != 0) {
        log_line(LOG_WARN, "the program that should listen on %.*s does not listen yet: %s",
                 SPAN_ARG(server->address), strerror(why));
    }
}

void spawn_start(struct spawn *s) {
    if (s->keeper == 0) {
        return;
    }
    if (send(s->control, SPAWN_START, 1, MSG_NOSIGNAL) != 1) {
        return; // spawn_watch tells
    }
    uint64_t until_ms = uv_hrtime() / 1000000 + AWAIT_MS;
    for (size_t i = 0; i < s->config.spawns_n; i++) {
        const struct pool_conf *pool = &s->config.pools[s->config.spawns[i].pool];
        for (size_t k = 0; k < pool->server_count && s->sockets[i].path[0] == 0; k++) {
            await_server(&pool->servers[k], until_ms);
        }
    }
}

static void on_control(uv_poll_t *watch, int status, int events) {
    struct spawn *s = watch->data;
    (void)status;
    (void)events;
    uv_poll_stop(watch);
    log_line(LOG_ERROR, "the process that keeps the spawned programs running has died, and they "
                        "have ended with it");
    s->on_gone(s->gone_self);
}

void spawn_watch(struct spawn *s, struct loop *loop, void (*on_gone)(void *self), void *self) {
    if (s->keeper == 0) {
        return;
    }
    s->on_gone = on_gone;
    s->gone_self = self;
    uv_poll_init(&loop->uv, &s->watch, s->control);
    s->watch.data = s;
    uv_poll_start(&s->watch, UV_READABLE | UV_DISCONNECT, on_control);
}

void spawn_unwatch(struct spawn *s) {
    if (s->keeper != 0) {
        uv_close((uv_handle_t *)&s->watch, NULL);
    }
}

void spawn_close(struct spawn *s) {
    close_fd(&s->control);
    if (s->keeper > 0) {
        while (waitpid(s->keeper, NULL, 0) < 0 && errno == EINTR) {
        }
        s->keeper = 0;
    }
    if (s->sockets != NULL) {
        remove_sockets(s); // the keeper did, unless it was killed
        s->sockets = NULL;
    }
    arena_fini(&s->arena);
}
