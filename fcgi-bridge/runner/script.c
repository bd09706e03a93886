// SPDX-License-Identifier: MIT
#include "runner/script.h"

#include "runner/answer.h"
#include "runner/clock.h"
#include "runner/environment.h"
#include "runner/family.h"
#include "runner/input.h"
#include "runner/limit.h"
#include "runner/process.h"
#include "runner/program.h"
#include "runner/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define GOODBYE_MS 2000 // for the last bytes of an answer to be taken
#define PATIENCE_MS 100 // for a program to exit once it is told to; what lives on is watched

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
        .dir = conf->options->chdir[0] ? conf->options->chdir : dir,
        .cpu = conf->options->cpu,
        .file = conf->options->file,
        .leaf = conf->leaf,
        .visible = conf->visible,
    };
    leaf_begin(conf->leaf);
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

// A limit that the kernel watches tells itself by its signal, or is counted. Who was refused one
// more process and still ended well has no need of a name for it.
static enum report_ending name_limit(const struct options *o, const struct process *p,
                                     const struct leaf *leaf) {
    int number = p->has_ended && WIFSIGNALED(p->status) ? WTERMSIG(p->status) : 0;
    enum report_ending enforced = p->status != 0 ? limit_enforced(leaf) : REPORT_RUNNING;
    if (enforced != REPORT_RUNNING) {
        return enforced;
    }
    if (number == SIGXCPU && o->cpu) {
        return REPORT_CPU;
    }
    return number == SIGXFSZ && o->file ? REPORT_FILE : REPORT_ENDED;
}

// What a limit did is the operator's to know too, not only the front's.
static void complain_of_ending(struct relay *r, const char *path) {
    fprintf(stderr, "fcgi-bridge: %s: %s\n", path, relay_why(r->ending));
    if (!r->is_client_gone) {
        answer_complain(r->request, path, "%s", relay_why(r->ending));
    }
}

static int exit_status(const struct relay *r) {
    int status = r->process->status;
    if (!r->process->has_ended) {
        return r->ending == REPORT_ANSWERED ? 0 : 128 + SIGTERM;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Says why the program ended and, when it wrote nothing, answers in its place. True when the answer
// is whole.
static bool conclude(struct relay *r, const char *path) {
    bool is_over = r->ending == REPORT_ENDED || r->ending == REPORT_ANSWERED;
    bool is_signaled = r->process->has_ended && WIFSIGNALED(r->process->status);
    if (r->ending == REPORT_ENDED) {
        complain_of_exit(r, path, r->process->status);
        enum report_ending limit = name_limit(r->options, r->process, r->leaf);
        if (limit != REPORT_ENDED) {
            r->ending = limit;
            complain_of_ending(r, path);
        }
    } else if (r->ending != REPORT_ANSWERED) {
        complain_of_ending(r, path);
    }
    if (r->is_client_gone) {
        return false;
    }
    if (r->sent == 0) {
        answer_status(r->request, relay_status(r->ending));
    }
    FCGX_SetExitStatus(exit_status(r), r->request->out);
    bool is_whole = r->sent == 0 || (is_over && !is_signaled);
    return is_whole && answer_is_possible(r->request);
}

// Carries for a program that was started, until its end or until it need not be waited for.
static void serve(struct script_end *end, struct relay *relay, const char *path) {
    struct input input;
    int error = 0;
    if (relay->is_short) {
        input_pour(&input, relay->request->in, end->process.in);
    } else {
        error = input_start(&input, relay->request->in, end->process.in, relay->options->spool);
    }
    end->process.in = -1;
    if (error < 0) {
        family_tell(SIGKILL);
        process_await(&end->process, PATIENCE_MS);
        answer_complain(relay->request, path, "cannot start a thread: %s", strerror(-error));
        answer_status(relay->request, 500);
        end->is_whole = answer_is_possible(relay->request);
        return;
    }
    relay_run(relay, &input);
    // From here on nothing may take long.
    clock_alarm(GOODBYE_MS);
    if (relay->ending != REPORT_ENDED && relay->ending != REPORT_ANSWERED) {
        family_tell(relay->ending == REPORT_STOPPED ? SIGKILL : SIGTERM);
    }
    if (relay->ending != REPORT_ANSWERED) {
        process_await(&end->process, PATIENCE_MS);
    }
    relay_drain_errors(relay);
    end->is_whole = conclude(relay, path);
    input_finish(&input, relay->request->ipcFd);
    end->ending = relay->ending;
}

static void refuse(struct script_end *end, FCGX_Request *request, int status) {
    answer_status(request, status);
    end->is_whole = answer_is_possible(request);
}

static void run(struct script_end *end, struct program *program, FCGX_Request *request,
                bool is_short, const struct script_conf *conf) {
    struct relay relay;
    int error = start(&end->process, program, request->envp, conf);
    if (error == -E2BIG) {
        answer_complain(request, program->path, "the request is too large for an environment: %s",
                        strerror(E2BIG));
        refuse(end, request, 500);
        return;
    }
    if (error < 0) {
        answer_complain(request, program->path, "cannot be executed: %s",
                        error == -ECHILD ? "killed before it began" : strerror(-error));
        refuse(end, request, 500);
        return;
    }
    end->has_process = true;
    relay_init(&relay, request, conf->options, end->deadline_ms);
    relay.process = &end->process;
    relay.leaf = conf->leaf;
    relay.is_short = is_short;
    serve(end, &relay, program->path);
    relay_fini(&relay);
}

void script_run(struct script_end *end, FCGX_Request *request, bool is_short,
                const struct script_conf *conf) {
    static struct program program; // large
    const char *asked = FCGX_GetParam("SCRIPT_NAME", request->envp);
    int64_t ms = (int64_t)conf->options->timeout;
    *end = (struct script_end){.ending = REPORT_REFUSED, .deadline_ms = clock_now_ms() + ms};
    clock_alarm(ms + 1); // not before the deadline: what it breaks is then known to be late
    int status = program_find(&program, conf->options, request->envp);
    if (status != 0) {
        answer_complain(request, asked ? asked : "-", "%s", program.why);
        refuse(end, request, status);
        return;
    }
    run(end, &program, request, is_short, conf);
}
