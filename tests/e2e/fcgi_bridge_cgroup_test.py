# SPDX-License-Identifier: MIT
"""fcgi-bridge where the kernel enforces --memory and --processes: real cgroups (version 2), of this
machine if it has the controllers to give, else (CI_FULL=1, a minute) of a kernel of our own, User
Mode Linux, in which this file is run again."""
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fcgi_bridge_life_test import status
from fcgi_bridge_test import (BRIDGE, HEAD, HERE, OUTRIDER, SANITIZED, SH, Client, is_alive, make, root,
                              until)

ROOT = HERE.parents[1]
IS_INSIDE = os.environ.get('CGROUP_INSIDE') == '1'


def find_top():
    """The directory of cgroup 2 below which we may make some with both controllers, or why not."""
    mounts = [line.split() for line in Path('/proc/self/mounts').read_text().splitlines()]
    points = [Path(words[1]) for words in mounts if words[2] == 'cgroup2']
    if not points:
        return None, 'no cgroup of version 2 is mounted'
    missing = {'memory', 'pids'} - set((points[0] / 'cgroup.controllers').read_text().split())
    if missing or os.geteuid() != 0:
        return None, f'cgroup 2 of this machine has no {" and ".join(sorted(missing)) or "rights for us"}'
    return points[0], ''


TOP, WHY = find_top()
needs_cgroups = pytest.mark.skipif(TOP is None, reason=WHY)


@pytest.mark.skipif(TOP is not None or IS_INSIDE, reason='this machine has the controllers')
@pytest.mark.skipif(os.environ.get('CI_FULL') != '1', reason='takes a minute: CI_FULL=1')
@pytest.mark.skipif(SANITIZED, reason='the kernel of our own has no room for sanitizers')
def test_limits_hold_in_a_kernel_of_our_own(tmp_path):
    kernel = shutil.which('linux.uml')
    if not kernel:
        pytest.skip(f'{WHY}, and the package user-mode-linux is not installed')
    (tmp_path / 'init').write_text(f'''#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp; mount -t tmpfs tmpfs /run
export PATH={os.environ['PATH']} CGROUP_INSIDE=1 FCGI_BRIDGE={BRIDGE} OUTRIDER={OUTRIDER} PYTHONDONTWRITEBYTECODE=1
cd {ROOT} && {sys.executable} -m pytest -q -p no:cacheprovider -rs --color=no --durations=5 tests/e2e/{Path(__file__).name}
echo "the tests ended with $?"
{sys.executable} -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'
''')
    (tmp_path / 'init').chmod(0o755)
    done = subprocess.run(
        [kernel, 'mem=512M', 'root=/dev/root', 'rootfstype=hostfs', 'ro', f'init={tmp_path}/init',
         f'uml_dir={tmp_path}', 'con=null', 'con0=null,fd:1'],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
        env={**os.environ, 'TMPDIR': str(tmp_path)})
    print(done.stdout)
    assert 'the tests ended with 0' in done.stdout


@pytest.fixture
def cgroup():
    path = TOP / f'fcgi-bridge-test-{os.getpid()}'
    (TOP / 'cgroup.subtree_control').write_text('+memory +pids')
    path.mkdir()
    yield path
    def is_removed():
        for inner in [*path.glob('*/'), path]:
            (inner / 'cgroup.kill').write_text('1')
            try:
                inner.rmdir()
            except OSError:
                return False
        return True
    until(is_removed, f'{path} is empty')


def says(bridge, words):
    until(lambda: words in bridge.log, f'the log says {words}: {bridge.log}')


def most(cgroup, file):
    """The largest number of the leaves."""
    return max(int(path.read_text()) for path in cgroup.glob(f'request-*/{file}'))


def open_to_others(tmp_path):
    for path in (tmp_path, *list(tmp_path.parents)[:2]):
        path.chmod(0o777)


def programs(cgroup):
    return [pid for path in cgroup.glob('request-*/cgroup.procs') for pid in path.read_text().split()]


@needs_cgroups
def test_a_program_never_has_more_memory_than_it_may(make, root, cgroup):
    bridge = make('--cgroup', cgroup, '--memory', '16M', '--workers', '1', '--status', '/bridge-status')
    says(bridge, f'--memory: enforced by the kernel in {cgroup}')
    root.write('where.sh', SH + HEAD + 'cat /proc/self/cgroup')
    assert re.search(rb'^0::.*/request-\d+$', bridge.ask('where.sh').body, re.MULTILINE)
    root.write('much.sh', SH + HEAD + 'setsid sleep 60 & head -c 40M /dev/zero | tail')
    reply = bridge.ask('much.sh')
    assert b'over its memory (--memory)' in reply.err and '(--memory)' in bridge.log
    assert most(cgroup, 'memory.peak') <= 16 << 20
    seen = status(bridge)
    assert seen['limits'] == {'memory': 'enforced', 'processes': 'none'} and seen['endings']['memory'] == 1
    until(lambda: not programs(cgroup), 'all of it has ended')


@needs_cgroups
def test_a_fork_bomb_never_has_more_processes_than_it_may(make, root, cgroup):
    bridge = make('--cgroup', cgroup, '--processes', '20', '--workers', '1', '--grace', '0s',
                  '--status', '/bridge-status')
    root.write('bomb.sh', SH + HEAD + 'bomb() { bomb & bomb & wait; }; bomb')
    assert b'over its number of processes and threads (--processes)' in bridge.ask('bomb.sh').err
    assert most(cgroup, 'pids.peak') == 20
    assert status(bridge)['endings']['processes'] == 1
    until(lambda: not programs(cgroup), 'all of it has ended')
    root.write('few.sh', SH + HEAD + 'sleep 0 & sleep 0 & wait; echo done')
    assert bridge.ask('few.sh').body == b'done\n'


@needs_cgroups
def test_a_job_that_was_left_behind_is_within_the_limits(make, root, cgroup):
    bridge = make('--cgroup', cgroup, '--memory', '16M', '--processes', '20', '--status', '/bridge-status')
    root.write('job.sh', SH + HEAD + '(sleep 0.3; head -c 40M /dev/zero | tail) >&- 2>&- & echo done')
    assert bridge.ask('job.sh').body == b'done\n'
    until(lambda: status(bridge)['late']['memory'] == 1, 'it is ended')
    assert 'what a request left behind: killed: over its memory' in bridge.log


@needs_cgroups
def test_programs_of_another_user_have_limits_that_they_cannot_change(make, root, cgroup, tmp_path):
    open_to_others(tmp_path)
    root.write('try.sh', SH + HEAD + f"""cd {cgroup}
for i in request-*; do echo max >$i/memory.max || echo 0 >bridge/cgroup.procs || mkdir $i/x; done
cat /proc/self/cgroup""")
    bridge = make('--cgroup', cgroup, '--memory', '16M', '--user', 'nobody')
    says(bridge, f'--memory: enforced by the kernel in {cgroup}')
    assert b'/request-' in bridge.ask('try.sh').body
    assert {path.read_text() for path in cgroup.glob('request-*/memory.max')} == {'16777216\n'}


@needs_cgroups
def test_what_a_killed_bridge_left_is_taken_over_or_left_alone(make, root, cgroup):
    first = make('--cgroup', cgroup, '--processes', '20', '--workers', '1')
    root.write('job.sh', SH + HEAD + 'setsid sleep 60 >&- 2>&- & echo $!')
    pid = int(first.ask('job.sh').body)
    workers = first.workers
    first.process.kill()
    first.process.wait()
    until(lambda: not any(map(is_alive, workers)), 'its workers have ended')
    second = make('--cgroup', cgroup, '--processes', '30', '--workers', '1')
    says(second, '--processes: enforced by the kernel')
    root.write('few.sh', SH + HEAD + 'cat /proc/self/cgroup')
    assert second.ask('few.sh').status == 200
    limits = [(leaf / 'pids.max').read_text() for leaf in cgroup.glob('request-*')]
    assert limits.count('30\n') == 66 and limits.count('20\n') == is_alive(pid)


@needs_cgroups
@pytest.mark.parametrize('is_alone', [True, False])
def test_the_cgroup_that_it_is_started_in_is_used_where_it_is_alone_there(make, root, cgroup, tmp_path, is_alone):
    """As systemd starts it with Delegate= and User=."""
    open_to_others(tmp_path)
    procs, nobody = cgroup / 'cgroup.procs', pwd.getpwnam('nobody')
    for path in (cgroup, procs, cgroup / 'cgroup.threads', cgroup / 'cgroup.subtree_control'):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    def become():
        procs.write_text('0')
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    other = subprocess.Popen(['sleep', '60'])
    if not is_alone:
        procs.write_text(str(other.pid))
    bridge = make('--memory', '16M', '--processes', '20', '--workers', '1', '--status', '/bridge-status',
                  preexec_fn=become)
    who = 'enforced by the kernel in' if is_alone else 'measured: other processes are in'
    says(bridge, f'--memory: {who} {cgroup}')
    root.write('where.sh', SH + HEAD + 'cat /proc/self/cgroup')
    where = bridge.ask('where.sh').body
    assert (b'/request-' in where) == is_alone
    assert status(bridge)['limits']['memory'] == ('enforced' if is_alone else 'measured')
    bridge.stop()
    assert not list(cgroup.glob('*/'))
    other.kill()
    other.wait()


@needs_cgroups
def test_a_worker_that_dies_leaves_nothing_in_its_cgroup(make, root, cgroup):
    bridge = make('--cgroup', cgroup, '--processes', '20', '--workers', '1')
    says(bridge, '--processes: enforced by the kernel')
    root.write('away.sh', SH + HEAD + 'setsid sleep 60 & echo $!; sleep 60')
    with Client(bridge.address) as client:
        client.begin(bridge.params('away.sh'))
        client.send()
        until(lambda: len(programs(cgroup)) == 3, 'it runs')
        os.kill(bridge.workers[0], signal.SIGKILL)
        until(lambda: not programs(cgroup), 'all of it has ended')
    root.write('few.sh', SH + HEAD + 'echo done')
    reply = bridge.ask('few.sh')
    assert reply.body == b'done\n', reply.err.decode() + bridge.log
