# SPDX-License-Identifier: MIT
"""Below server/ everything is bytes in, bytes out, time given: no system call that does I/O, no
clock, no chance, no environment, no log, no threads. That is what makes it testable in memory."""
import re

import pytest
from source import bare, c_files, folder, text

IO = '''open openat creat close read write pread pwrite readv writev sendfile splice dup dup2 pipe
    pipe2 fopen fdopen freopen fclose fread fwrite fgets fgetc fputs fputc getline getdelim fscanf
    opendir readdir stat fstat lstat fstatat access unlink rename mkdir rmdir mmap munmap fcntl
    ioctl flock realpath mkstemp tmpfile truncate ftruncate fsync glob'''.split()
NETWORK = '''socket bind listen accept accept4 connect send sendto sendmsg recv recvfrom recvmsg
    shutdown setsockopt getsockopt getsockname getpeername getaddrinfo poll ppoll select pselect
    epoll_create epoll_create1 epoll_ctl epoll_wait eventfd timerfd_create socketpair'''.split()
CLOCK = '''time clock clock_gettime gettimeofday clock_nanosleep nanosleep usleep sleep localtime
    localtime_r alarm setitimer'''.split()
LOG = '''printf vprintf fprintf vfprintf puts putchar perror dprintf vdprintf syslog vsyslog
    openlog'''.split()
REST = '''getenv secure_getenv setenv putenv rand srand random srandom rand_r getrandom getentropy
    fork vfork execve execv execvp posix_spawn system popen waitpid kill signal sigaction exit _exit
    quick_exit pthread_create pthread_mutex_lock pthread_cond_wait thrd_create mtx_lock'''.split()
EVERYTHING = IO + NETWORK + CLOCK + LOG + REST

PURE = ['fcgi-bridge/base', 'fcgi-bridge/fcgi', 'sidecar/http', 'sidecar/hints', 'sidecar/scan',
        'sidecar/learner', 'sidecar/metrics', 'sidecar/exchange', 'sidecar/gateway',
        'sidecar/admin', 'sidecar/config']

# A step that may do some of it, and why.
MAY = {
    # Reads the file whose name the operator gave, and the pool files of PHP-FPM.
    'sidecar/config': {'fopen', 'fclose', 'fread', 'fgets', 'getline', 'open', 'read', 'close',
                       'fstat', 'stat', 'access', 'realpath', 'glob'},
}
# One function of one file, and why.
MAY_IN = {}


def calls(code):
    """(line, name) of every call by name; not members, not declarations of our own."""
    for number, line in enumerate(bare(code).split('\n'), 1):
        for match in re.finditer(r'(?<![\w.])(?<!->)([a-z_]\w*)\s*\(', line):
            yield number, match[1]


@pytest.mark.parametrize('step', PURE)
def test_pure_code_does_no_io_and_asks_no_clock(step):
    wrong = []
    for name in c_files(step + '/'):
        if folder(name) != step:
            continue
        may = MAY.get(step, set()) | MAY_IN.get(name, set())
        wrong += [f'{name}:{line}: {call}()' for line, call in calls(text(name))
                  if call in EVERYTHING and call not in may]
    assert not wrong, '\n'.join(wrong)


@pytest.mark.parametrize('step', PURE)
def test_pure_code_has_no_stderr_and_no_thread(step):
    wrong = [f'{name}:{number}: {line.strip()}' for name in c_files(step + '/')
             if folder(name) == step
             for number, line in enumerate(bare(text(name)).split('\n'), 1)
             if re.search(r'\b(stderr|stdout|stdin|thread_local|_Thread_local|__thread|pthread_t)\b',
                          line)]
    assert not wrong, '\n'.join(wrong)


def test_only_server_and_the_programs_log():
    wrong = [f'{name}:{line}: {call}()' for name in c_files('sidecar/', 'fcgi-bridge/')
             if folder(name) in PURE
             for line, call in calls(text(name)) if re.match(r'log_\w+$', call)]
    assert not wrong, '\n'.join(wrong)


def test_this_test_sees_a_call():
    seen = [call for _, call in calls('int x = time(NULL); s->read(s); a.open(1); // close(3)\n'
                                      'log("write(2)"); return read (fd);')]
    assert 'time' in seen and seen.count('read') == 1
    assert not {'open', 'close', 'write'} & set(seen)
