// SPDX-License-Identifier: MIT
#include "runner/script.h"

#include "runner/answer.h"
#include "runner/clock.h"
#include "runner/environment.h"
#include "runner/input.h"
#include "runner/process.h"
#include "runner/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define GOODBYE_MS 2000 // for the client to take the last bytes and to finish its body

// argv is the file alone, or the interpreter and the file. The query string is never an argument,
// "=" in it or not (RFC 3875, 4.4 allows it; CVE-2012-1823 came of it).
static int start(struct process *process, struct program *program, char **params,
                 const struct script_conf *conf) {
    struct environment env;
    char dir[PATH_MAX];
    const char *file = program->interpreter ? program->interpreter : program->path;
    char *const argv[] = {(char *)(uintptr_t)file, program->interpreter ? program->path : NULL,
                          NULL};
    if (environment_init(&env, conf->options, program, params) < 0) {
        return -ENOMEM;
    }
    size_t n = (size_t)(strrchr(program->path, '/') - program->path);
    memcpy(dir, program->path, n ? n : 1);
    dir[n ? n : 1] = 0;
    struct process_plan plan = {
        .argv = argv,
        .env = env.v,
        .dir = dir,
        .memory = conf->options->memory,
        .visible = conf->visible,
    };
    int error = process_start(process, &plan);
    environment_fini(&env);
    return error;
}

static void complain_of_exit(struct relay *r, const char *path, int status) {
    if (WIFSIGNALED(status)) {
        answer_complain(r->request, path, "killed by signal %d (%s)", WTERMSIG(status),
                        strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        answer_complain(r->request, path, "exit status %d", WEXITSTATUS(status));
    }
    if (r->sent == 0) {
        answer_complain(r->request, path, "wrote nothing, not even a header");
    }
}

// Says why the program ended and, when it wrote nothing, answers in its place. True when the answer
// is whole.
static bool conclude(struct relay *r, const char *path, int status) {
    if (r->ending == RELAY_CLIENT_GONE) {
        fprintf(stderr, "fcgi-bridge: %s: %s\n", path, relay_why(r->ending));
        return false;
    }
    if (r->ending == RELAY_ENDED) {
        complain_of_exit(r, path, status);
    } else {
        answer_complain(r->request, path, "%s", relay_why(r->ending));
    }
    if (r->sent == 0 && r->ending != RELAY_ABORTED) {
        answer_status(r->request, relay_status(r->ending));
    }
    FCGX_SetExitStatus(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                       r->request->out);
    bool is_whole = r->sent == 0 || r->ending == RELAY_ABORTED ||
                    (r->ending == RELAY_ENDED && !WIFSIGNALED(status));
    return is_whole && answer_is_possible(r->request);
}

// The end of a whole answer. END_REQUEST comes after the body was read to its end: upon it a client
// may send its next request, whose first bytes libfcgi would read with the rest of this body, and
// lose.
static void finish(FCGX_Request *request, struct input *input) {
    input_finish(input, request->ipcFd, GOODBYE_MS);
    clock_alarm(GOODBYE_MS);
    FCGX_FClose(request->err);
    FCGX_FClose(request->out);
}

// The body of a request that is not run, or whose program is gone, is thrown away: the client may
// have to send all of it before it reads, and the connection can then be kept.
static bool refuse(FCGX_Request *request, int status) {
    struct input input;
    answer_status(request, status);
    if (answer_is_possible(request) && input_start(&input, request->in, -1) == 0) {
        finish(request, &input);
    }
    return answer_is_possible(request);
}

// Carries for a program that was started, until its end.
static bool serve(struct relay *relay, const char *path) {
    FCGX_Request *request = relay->request;
    struct process *process = relay->process;
    struct input input;
    int error = input_start(&input, request->in, process->in);
    process->in = -1;
    if (error < 0) {
        process_end(process);
        answer_complain(request, path, "cannot start a thread: %s", strerror(-error));
        answer_status(request, 500);
        return answer_is_possible(request);
    }
    relay_run(relay, &input);
    // From here on nothing may take long.
    clock_alarm(GOODBYE_MS);
    int status = process_end(process);
    relay_drain_errors(relay);
    bool is_whole = conclude(relay, path, status);
    if (!is_whole) {
        input_finish(&input, request->ipcFd, 0);
        return false;
    }
    finish(request, &input);
    return answer_is_possible(request);
}

bool script_run(FCGX_Request *request, const struct script_conf *conf) {
    struct program program;
    struct process process;
    struct relay relay;
    const char *asked = FCGX_GetParam("SCRIPT_NAME", request->envp);
    int64_t ms = (int64_t)conf->options->timeout;
    relay_init(&relay, request, clock_now_ms() + ms, conf->options->output);
    clock_alarm(ms + 1); // not before the deadline: what it breaks is then known to be late
    int status = program_find(&program, conf->root, conf->options, request->envp);
    if (status != 0) {
        answer_complain(request, asked ? asked : "-", "%s", program.why);
        return refuse(request, status);
    }
    int error = start(&process, &program, request->envp, conf);
    if (error == -E2BIG) {
        answer_complain(request, program.path, "the request is too large for an environment: %s",
                        strerror(E2BIG));
        return refuse(request, 500);
    }
    if (error < 0) {
        answer_complain(request, program.path, "cannot be executed: %s", strerror(-error));
        return refuse(request, 500);
    }
    relay.process = &process;
    bool is_whole = serve(&relay, program.path);
    process_close(&process);
    return is_whole;
}
