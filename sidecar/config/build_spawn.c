// SPDX-License-Identifier: MIT
#include "config/build_spawn.h"

#include "config/build_fill.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

// Processes where nothing is said: PHP answers one request at a time, other programs need no more.
#define PROCESSES_AUTO 4

static bool is_executable(struct span path, const char **why) {
    struct stat st;
    if (stat((const char *)path.p, &st) != 0 || access((const char *)path.p, X_OK) != 0) {
        *why = strerror(errno);
        return false;
    }
    *why = "it is no file";
    return S_ISREG(st.st_mode);
}

static void check_command(struct build *b, const struct file_section *s,
                          const struct spawn_conf *spawn) {
    unsigned line = file_line(s, OPTION_SPAWN_COMMAND);
    const char *why;
    if (spawn->command.n == 0) {
        config_errors_put(b->errors, line,
                          "spawn needs a command: command = { \"/usr/bin/php-cgi8.2\" }");
        return;
    }
    struct span program = spawn->command.v[0];
    if (!span_has_prefix(program, SPAN("/"))) {
        config_errors_put(b->errors, line, "command \"%.*s\": an absolute path must come first",
                          SPAN_ARG(program));
    } else if (!is_executable(program, &why)) {
        config_errors_put(b->errors, line, "command %.*s cannot be executed: %s", SPAN_ARG(program),
                          why);
    }
}

// name = ( ALPHA / "_" ) *( ALPHA / DIGIT / "_" )
static bool is_variable_name(struct span name) {
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = span_lower_byte(name.p[i]);
        bool is_digit = c >= '0' && c <= '9';
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(is_digit && i > 0)) {
            return false;
        }
    }
    return name.n > 0;
}

static bool is_set_before(struct span_list env, size_t i) {
    // With its equal sign, so that no name is taken for the beginning of another.
    struct span name = span_first(env.v[i], span_index(env.v[i], '=') + 1);
    for (size_t k = 0; k < i; k++) {
        if (span_has_prefix(env.v[k], name)) {
            return true;
        }
    }
    return false;
}

static void check_env(struct build *b, const struct file_section *s,
                      const struct spawn_conf *spawn) {
    unsigned line = file_line(s, OPTION_SPAWN_ENV);
    for (size_t i = 0; i < spawn->env.n; i++) {
        struct span variable = spawn->env.v[i];
        size_t equals = span_index(variable, '=');
        if (equals == variable.n || !is_variable_name(span_first(variable, equals))) {
            config_errors_put(b->errors, line, "env \"%.*s\": it must be NAME=value",
                              SPAN_ARG(variable));
        } else if (is_set_before(spawn->env, i)) {
            config_errors_put(b->errors, line, "env \"%.*s\": %.*s is set twice",
                              SPAN_ARG(variable), SPAN_ARG(span_first(variable, equals)));
        }
    }
}

static void build_processes(struct build *b, const struct file_section *s,
                            struct spawn_conf *spawn) {
    bool has_servers = b->config->pools[spawn->pool].server_count > 0;
    if (has_servers && spawn->processes > 1) {
        config_errors_put(b->errors, file_line(s, OPTION_SPAWN_PROCESSES),
                          "the pool has servers, so the program opens its sockets itself, and a "
                          "second process could not; without servers Outrider makes a socket for "
                          "all of them");
    }
    if (spawn->processes == 0) {
        spawn->processes = has_servers ? 1 : PROCESSES_AUTO;
    }
}

static void build_spawn(struct build *b, const struct file_section *s, struct spawn_conf *spawn) {
    BUILD_FILL(b, s, spawn_conf, spawn);
    check_command(b, s, spawn);
    check_env(b, s, spawn);
    build_processes(b, s, spawn);
    if (spawn->user.n > 0 && getpwnam((const char *)spawn->user.p) == NULL) {
        config_errors_put(b->errors, file_line(s, OPTION_SPAWN_USER), "there is no user \"%.*s\"",
                          SPAN_ARG(spawn->user));
    }
}

void build_spawns(struct build *b) {
    struct config *c = b->config;
    struct spawn_conf *spawns = build_alloc(b, c->pools_n * sizeof *spawns);
    for (size_t i = 0; i < c->pools_n; i++) {
        struct file_section pool = file_child(&b->top, SECTION_POOL, i);
        struct file_section s = file_child(&pool, SECTION_SPAWN, 0);
        if (file_section_line(&s) > 0) {
            spawns[c->spawns_n].pool = i;
            build_spawn(b, &s, &spawns[c->spawns_n++]);
        }
    }
    c->spawns = spawns;
}
