// SPDX-License-Identifier: MIT
// The keeper and its programs, which are /bin/sh here. What is logged goes into a file.
#include "server/spawn.h"

#include "base/error.h"
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

#define HEAD "listen \"127.0.0.1:1\" {} site \"a\" { check-script = false pool = p }\n"
#define SH(script)                                                                                 \
    HEAD "pool \"p\" { spawn { processes = 1 command = {/bin/sh, \"-c\", \"" script "\"} } }"

struct fixture {
    struct config config;
    struct spawn spawn;
    char log_path[64], text[65536];
    int real_stderr;
};

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){.log_path = "/tmp/outrider-spawn-log-XXXXXX"};
    int fd = mkstemp(f.log_path);
    assert_true(fd >= 0);
    f.real_stderr = dup(STDERR_FILENO);
    fcntl(fd, F_SETFL, O_APPEND);
    dup2(fd, STDERR_FILENO);
    close(fd);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    spawn_close(&f->spawn);
    config_fini(&f->config);
    dup2(f->real_stderr, STDERR_FILENO);
    close(f->real_stderr);
    unlink(f->log_path);
    return 0;
}

static void open_spawn(struct fixture *f, const char *text) {
    struct config_errors errors;
    config_errors_init(&errors);
    if (config_parse(&f->config, "t.conf", span_str(text), &errors) != 0) {
        fail_msg("%.*s", SPAN_ARG(buf_span(&errors.text)));
    }
    config_errors_fini(&errors);
    assert_int_equal(spawn_open(&f->spawn, &f->config), 0);
}

static const char *log_text(struct fixture *f) {
    int fd = open(f->log_path, O_RDONLY);
    ssize_t n = read(fd, f->text, sizeof f->text - 1);
    close(fd);
    f->text[n > 0 ? n : 0] = 0;
    return f->text;
}

static void wait_log(struct fixture *f, const char *want) {
    for (int ms = 0; strstr(log_text(f), want) == NULL; ms += 10) {
        if (ms > PATIENCE_MS) {
            fail_msg("no \"%s\" in\n%s", want, f->text);
        }
        usleep(10000);
    }
}

static int connect_to_pool(const struct fixture *f) {
    struct span path = f->spawn.config.pools[0].servers[0].path;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, path.p, path.n);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    return -why;
}

static void
test_a_pool_without_servers_gets_one_that_listens_before_the_program_runs(void **state) {
    struct fixture *f = *state;
    struct stat st;
    open_spawn(f, SH("exit 0"));
    assert_int_equal(f->config.pools[0].server_count, 0);
    assert_int_equal(f->spawn.config.pools[0].server_count, 1);
    int fd = connect_to_pool(f);
    assert_true(fd >= 0);
    close(fd);
    assert_null(strstr(log_text(f), "started"));
    char path[256];
    struct span socket = f->spawn.config.pools[0].servers[0].path;
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(socket));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    *strrchr(path, '/') = 0;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    spawn_close(&f->spawn);
    assert_int_equal(stat(path, &st), -1);
    assert_null(strstr(log_text(f), "started"));
}

static void test_pools_with_servers_and_no_spawn_are_as_they_were(void **state) {
    struct fixture *f = *state;
    open_spawn(f, HEAD "pool \"p\" { servers = { \"unix:/x\" } }");
    assert_ptr_equal(f->spawn.config.pools, f->config.pools);
    assert_int_equal(f->spawn.keeper, 0);
    spawn_start(&f->spawn);
}

static void test_a_program_gets_its_socket_its_environment_and_nothing_else(void **state) {
    struct fixture *f = *state;
    setenv("OURS", "secret", 1);
    int leak = open("/dev/null", O_RDONLY); // not close-on-exec, as somebody might have left it
    open_spawn(f, HEAD "pool \"p\" { spawn { processes = 1 env = { \"A=b c\" }\n"
                       "command = {/bin/sh, \"-c\", \"env; ls -l /proc/$$/fd; pwd; exec sleep 60\"}"
                       "} }");
    spawn_start(&f->spawn);
    wait_log(f, ": /\n");
    const char *text = log_text(f);
    assert_non_null(strstr(text, ": A=b c\n"));
    assert_non_null(strstr(text, ": PATH=/usr/local/sbin:"));
    assert_null(strstr(text, "OURS"));
    assert_non_null(strstr(text, " 0 -> socket:["));
    assert_non_null(strstr(text, " 1 -> pipe:["));
    assert_non_null(strstr(text, " 2 -> pipe:["));
    assert_null(strstr(text, " -> /dev/null"));
    close(leak);
    unsetenv("OURS");
}

static void test_output_is_escaped_and_cut(void **state) {
    struct fixture *f = *state;
    open_spawn(f, SH("printf 'a\\\\033[31mb\\\\n'; head -c 5000 /dev/zero | tr '\\\\000' x; echo; "
                     "echo done >&2; exec sleep 60"));
    spawn_start(&f->spawn);
    wait_log(f, ": done\n");
    assert_non_null(strstr(log_text(f), ": a\\x1b[31mb\n"));
    char *x = strstr(f->text, ": xxxx");
    assert_non_null(x);
    assert_int_equal(strspn(x + 2, "x"), 1024);
    assert_memory_equal(x + 2 + 1024, "...\n", 4);
}

static void test_a_flood_of_output_is_bounded(void **state) {
    struct fixture *f = *state;
    open_spawn(f, SH("yes flood | head -n 100000; sleep 2; echo end; exec sleep 60"));
    spawn_start(&f->spawn);
    wait_log(f, "too many to be logged");
    wait_log(f, ": end\n");
    assert_true(strlen(log_text(f)) < 30000);
}

static void test_who_ends_is_started_again_later_and_later(void **state) {
    struct fixture *f = *state;
    open_spawn(f, SH("exit 3"));
    spawn_start(&f->spawn);
    wait_log(f, "exited with status 3; to be started again in 100 ms\n");
    wait_log(f, "exited with status 3; to be started again in 200 ms\n");
    wait_log(f, "exited with status 3; to be started again in 400 ms\n");
    wait_log(f, "exited with status 3; to be started again in 800 ms\n");
}

static void test_who_waits_for_a_hopeless_program_is_turned_away(void **state) {
    struct fixture *f = *state;
    char byte;
    open_spawn(f, SH("exit 3"));
    int fd = connect_to_pool(f);
    assert_true(fd >= 0);
    spawn_start(&f->spawn);
    wait_log(f, "again in 800 ms\n");
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

static void test_a_program_that_cannot_be_executed_says_why(void **state) {
    struct fixture *f = *state;
    char path[] = "/tmp/outrider-no-program-XXXXXX";
    char text[512];
    int fd = mkstemp(path);
    assert_true(write(fd, "#!/no/such/interpreter\n", 23) == 23);
    fchmod(fd, 0755);
    close(fd);
    snprintf(text, sizeof text, HEAD "pool \"p\" { spawn { command = { \"%s\" } } }", path);
    open_spawn(f, text);
    spawn_start(&f->spawn);
    wait_log(f, "cannot run /tmp/outrider-no-program-");
    wait_log(f, ": No such file or directory\n");
    wait_log(f, "exited with status 127");
    unlink(path);
}

// The number behind `label` in the log.
static pid_t logged_pid(struct fixture *f, const char *label) {
    wait_log(f, label);
    return atoi(strstr(f->text, label) + strlen(label));
}

static bool is_alive(pid_t pid) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    const char *end = n > 0 ? strrchr(text, ')') : NULL;
    return end != NULL && strchr("ZX", end[2]) == NULL;
}

static void wait_gone(pid_t pid) {
    for (int ms = 0; is_alive(pid); ms += 10) {
        assert_true(ms < PATIENCE_MS);
        usleep(10000);
    }
}

static void test_what_a_program_started_goes_with_it(void **state) {
    struct fixture *f = *state;
    open_spawn(f, SH("sleep 600 & echo child=$! .; kill -9 $$"));
    spawn_start(&f->spawn);
    pid_t child = logged_pid(f, "child=");
    wait_log(f, "was ended by signal 9");
    wait_gone(child);
}

static void test_closing_ends_all_and_kills_who_does_not_listen(void **state) {
    struct fixture *f = *state;
    open_spawn(f, SH("trap '' TERM; sleep 600 & echo child=$! .; echo self=$$ .; "
                     "while :; do sleep 1; done"));
    spawn_start(&f->spawn);
    pid_t child = logged_pid(f, "child="), self = logged_pid(f, "self=");
    assert_true(is_alive(child) && is_alive(self));
    spawn_close(&f->spawn);
    assert_non_null(strstr(log_text(f), "1 processes did not end in time and are killed"));
    assert_false(is_alive(self));
    wait_gone(child);
}

static void on_gone(void *self) {
    *(bool *)self = true;
}

static void test_the_end_of_the_keeper_is_told_and_its_programs_end(void **state) {
    struct fixture *f = *state;
    static struct loop loop;
    bool is_gone = false;
    open_spawn(f, SH("echo self=$$ .; exec sleep 600"));
    assert_int_equal(loop_init(&loop), 0);
    spawn_watch(&f->spawn, &loop, on_gone, &is_gone);
    spawn_start(&f->spawn);
    pid_t self = logged_pid(f, "self=");
    kill(f->spawn.keeper, SIGKILL);
    for (int ms = 0; !is_gone && ms < PATIENCE_MS; ms += 10) {
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        usleep(10000);
    }
    assert_true(is_gone);
    wait_gone(self);
    spawn_unwatch(&f->spawn);
    loop_fini(&loop);
    wait_log(f, "has died");
    char path[256];
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(f->spawn.config.pools[0].servers[0].path));
    spawn_close(&f->spawn);
    assert_int_equal(access(path, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_pool_without_servers_gets_one_that_listens_before_the_program_runs),
        TEST(test_pools_with_servers_and_no_spawn_are_as_they_were),
        TEST(test_a_program_gets_its_socket_its_environment_and_nothing_else),
        TEST(test_output_is_escaped_and_cut),
        TEST(test_a_flood_of_output_is_bounded),
        TEST(test_who_ends_is_started_again_later_and_later),
        TEST(test_who_waits_for_a_hopeless_program_is_turned_away),
        TEST(test_a_program_that_cannot_be_executed_says_why),
        TEST(test_what_a_program_started_goes_with_it),
        TEST(test_closing_ends_all_and_kills_who_does_not_listen),
        TEST(test_the_end_of_the_keeper_is_told_and_its_programs_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
