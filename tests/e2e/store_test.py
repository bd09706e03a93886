# SPDX-License-Identifier: MIT
"""What is learned outlives restarts, kill -9 at any moment, and whatever became of the file
meanwhile; and the operator can have it forgotten."""
import os
import random
import re
import sqlite3
import subprocess
import time

import pytest
from servers import BINARY, SANITIZED, until

KILLS = 40 if SANITIZED else 200
FLUSH_S = 0.1
# How late a flush may come on a machine that has other things to do.
SLACK_S = 1.5 if SANITIZED else 0.6

# A network alone may teach a worker of no more than half of 512 pages a second.
PACE_S = 0.006

MANY = '''<?php
// SPDX-License-Identifier: MIT
$name = ['one', 'two', 'three', 'four'][crc32($_SERVER['REQUEST_URI']) % 4];
header("Link: </assets/style.css?$name>; rel=preload; as=style", false);
header("Link: </assets/app.js>; rel=preload; as=script", false);
echo "<!doctype html><title>$name</title>";
'''


def store(path, flush='100ms'):
    return f'store {{\n path = "{path}"\n flush = {flush}\n}}'


def hinted(client, path):
    """The targets of the 103s of one navigation."""
    return {value.split('>')[0].lstrip(' <') for _, _, headers in client.navigate(path).hints
            for name, field in headers if name == 'link' for value in field.split(',')}


def learned(path):
    """The routes in the file as another program reads it, after SQLite has looked at all of it."""
    with sqlite3.connect(path, timeout=10) as db:
        assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
        return {row[0] for row in db.execute('SELECT route FROM routes')}


def command(outrider, name, *arguments, status=0):
    done = subprocess.run([BINARY, name, '--admin', f'unix:{outrider.admin}', *arguments],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def learn(connect, outrider, path):
    """Visits it and waits until the next visitor is hinted."""
    client = connect(outrider)
    assert client.navigate(path).status == 200
    return until(lambda: hinted(client, path), 5, f'{path} is not hinted')


def test_a_restart_keeps_what_was_learned(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    first = make_outrider(fpm, top=store(path, '1h'))
    known = learn(connect, first, '/page.php')
    before = first.routes()
    assert first.stop() == 0, 'what is not flushed yet is when it ends'
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert not os.path.exists(f'{path}-wal'), 'the log was put into the file'

    second = make_outrider(fpm, top=store(path))
    assert second.wait_log(r'store \S+: [1-9]\d* routes')
    assert hinted(connect(second), '/page.php') == known
    assert [r['links'] for r in second.routes()] == [r['links'] for r in before]


def test_without_a_store_nothing_is_kept(connect, make_outrider, fpm):
    learn(connect, make_outrider(fpm), '/page.php')
    assert not hinted(connect(make_outrider(fpm)), '/page.php')


def test_an_operator_can_read_the_file_while_it_is_written(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    learn(connect, make_outrider(fpm, top=store(path)), '/page.php')
    until(lambda: '/page.php' in learned(path), 5, 'it is not written')
    with sqlite3.connect(path) as db:
        links = [row[0] for row in db.execute(
            "SELECT link FROM learned WHERE site = 'localhost' AND route = '/page.php'")]
    assert any(link.startswith('</assets/style.css>; rel=preload; as=style') for link in links)


def test_somebody_who_locks_the_file_delays_it_only(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    outrider = make_outrider(fpm, top=store(path))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute('BEGIN IMMEDIATE')
    learn(connect, outrider, '/page.php')
    assert outrider.wait_log(r'error store \S+: .*locked')
    db.execute('ROLLBACK')
    until(lambda: '/page.php' in learned(path), 5, 'it is not written')
    assert outrider.wait_log('writing works again')
    db.close()


def test_kill_at_any_moment_loses_at_most_the_last_interval(connect, make_outrider, fpm, site, tmp_path):
    """200 times: start, learn, kill -9. The store opens each time, is whole, has all it ever had
    and all that was learned longer than the flush interval ago."""
    (site / 'many.php').write_text(MANY)
    path, chance = tmp_path / 'learned.db', random.Random(1)
    kept, checked, number = set(), 0, 0
    for kill in range(KILLS):
        outrider = make_outrider(fpm, front_controller='/many.php', top=store(path))
        client, visited = connect(outrider, tls=False), {}
        long = FLUSH_S + SLACK_S + chance.uniform(0.05, 0.15)
        end = time.monotonic() + (long if kill % 8 == 0 else chance.uniform(0.02, 0.12))
        while time.monotonic() < end:
            number += 1
            assert client.navigate(f'/{number}/').status == 200
            visited[f'/{number}/'] = time.monotonic()
            time.sleep(PACE_S)
        outrider.process.kill()
        killed_at = time.monotonic()
        outrider.process.wait()
        outrider.process.returncode = 0     # it was us
        found = learned(path)
        old = {route for route, at in visited.items() if at < killed_at - FLUSH_S - SLACK_S}
        assert old <= found, f'kill {kill}: lost {sorted(old - found)[:5]}'
        assert kept <= found, f'kill {kill}: lost what was there: {sorted(kept - found)[:5]}'
        assert 'set aside' not in outrider.log and 'error store' not in outrider.log
        kept, checked = found, checked + len(old)
    assert checked > KILLS, 'too little was old enough to be looked for'
    assert len(kept) > KILLS


# ---- files that somebody else uses or takes away -------------------------------------------------

def counted(outrider, name):
    return int(re.search(rf'^outrider_{name} (\d+)$', outrider.ask_admin('/metrics')[1].decode(), re.M)[1])


def test_a_second_one_on_the_same_file_is_refused_at_start(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    first = make_outrider(fpm, top=store(path))
    learn(connect, first, '/page.php')
    config = tmp_path / 'second.conf'
    config.write_text((tmp_path / 'outrider0/outrider.conf').read_text().replace('admin.sock', 'second.sock'))
    second = subprocess.run([BINARY, 'run', '--config', str(config)],
                            capture_output=True, text=True, timeout=10, check=False)
    assert second.returncode == 1
    assert (f'error store {path}: another process keeps what it learns in it; '
            'each outrider needs a file of its own') in second.stderr
    until(lambda: '/page.php' in learned(path), 5, 'the first one does not keep it any more')
    first.process.kill()    # its lock goes with it
    first.process.wait()
    first.process.returncode = 0
    third = make_outrider(fpm, top=store(path))
    assert hinted(connect(third), '/page.php')


def test_files_that_are_removed_while_it_runs_are_written_anew(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    outrider = make_outrider(fpm, top=store(path))
    learn(connect, outrider, '/page.php')
    until(lambda: '/page.php' in learned(path), 5, 'it is not written')
    for file in tmp_path.glob('learned.db*'):
        file.unlink()
    outrider.wait_log(r'error store \S+: its files were removed .* written anew')
    until(lambda: path.exists() and '/page.php' in learned(path), 5, 'it is not written anew')
    until(lambda: counted(outrider, 'store_failures_total') == 1, 5, 'it is not counted')
    path.unlink()
    assert outrider.stop() == 0
    assert '/page.php' in learned(path), 'not at the end'
    assert hinted(connect(make_outrider(fpm, top=store(path))), '/page.php')


def test_a_file_put_in_its_place_is_left_for_the_next_start(connect, make_outrider, fpm, tmp_path):
    path, other = tmp_path / 'learned.db', tmp_path / 'other.db'
    learn(connect, backup := make_outrider(fpm, top=store(other)), '/page.php?p=2')
    backup.stop()
    outrider = make_outrider(fpm, top=store(path))
    learn(connect, outrider, '/page.php')
    other.rename(path)
    assert outrider.wait_log(r'error store \S+: another file was put in its place.*nothing is kept')
    outrider.stop()
    assert '/page.php?p=2' in learned(path) and '/page.php' not in learned(path)


def test_a_value_that_is_too_large_costs_its_own_route_only(connect, make_outrider, fpm, site, tmp_path):
    (site / 'large.php').write_text("""<?php
// SPDX-License-Identifier: MIT
header('Content-Security-Policy: default-src *; report-uri /' . str_repeat('x', 9000));
header('Link: </assets/style.css>; rel=preload; as=style');
""")
    path = tmp_path / 'learned.db'
    outrider = make_outrider(fpm, top=store(path))
    learn(connect, outrider, '/large.php')
    learn(connect, outrider, '/page.php')
    until(lambda: '/page.php' in learned(path), 5, 'the others are not written')
    assert outrider.wait_log(r'warn.* store \S+: /large.php has a policy or imports too long')
    assert '/large.php' not in learned(path)
    until(lambda: counted(outrider, 'store_refused_total') >= 1, 5, 'it is not counted')
    outrider.stop()
    again = make_outrider(fpm, top=store(path))
    assert again.wait_log(r'store \S+: [1-9]\d* routes') and 'not valid' not in again.log


# ---- files that cannot be used -------------------------------------------------------------------

def garbage(path):
    path.write_bytes(bytes(range(256)) * 64)


def truncated(path):
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE a (b)')
        db.executemany('INSERT INTO a VALUES (?)', [('x' * 3000,)] * 50)
        db.execute('PRAGMA application_id = 0x4f555452')
        db.execute('PRAGMA user_version = 2')
    db.close()
    with open(path, 'r+b') as file:
        file.truncate(20000)


def foreign(path):
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE posts (text)')
    db.close()


def newer(path):
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE a (b)')
        db.execute('PRAGMA application_id = 0x4f555452')
        db.execute('PRAGMA user_version = 99')
    db.close()


def read_only(path):
    path.touch()
    path.chmod(0o400)


def open_to_others(path):
    path.touch()
    path.chmod(0o666)


def folder(path):
    path.mkdir()


@pytest.mark.parametrize('make, words, aside', [
    (garbage, 'not a database', True),
    (truncated, 'malformed', True),
    (foreign, 'another program', False),
    (newer, 'newer version', False),
    (read_only, 'read-only', False),
    (open_to_others, 'others may write', False),
    (folder, 'not a regular file', False),
])
def test_a_file_that_cannot_be_used_is_told_and_serving_goes_on(
        connect, make_outrider, fpm, tmp_path, make, words, aside):
    path = tmp_path / 'learned.db'
    make(path)
    path.chmod(0o600) if make in (garbage, truncated, foreign, newer) else None
    before = path.read_bytes() if path.is_file() else None
    outrider = make_outrider(fpm, top=store(path))
    line = outrider.wait_log(r'.*error store .*')[0]
    assert words in line
    learn(connect, outrider, '/page.php')
    saved = list(tmp_path.glob('learned.db.damaged-*[0-9]'))
    if aside:
        assert 'set aside' in line and [file.read_bytes() for file in saved] == [before]
        until(lambda: '/page.php' in learned(path), 5, 'the new store is not written')
    else:
        assert 'nothing is kept' in line and not saved
        assert before is None or path.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(connect, make_outrider, fpm, tmp_path):
    outrider = make_outrider(fpm, top=store(tmp_path / 'missing/learned.db'))
    assert outrider.wait_log(r'error store .*: No such file or directory; Outrider still serves')
    learn(connect, outrider, '/page.php')


def test_a_full_disk_loses_nothing_once_there_is_room(connect, make_outrider, fpm, site, tmp_path):
    """A limit on the size of files is a disk that is full."""
    (site / 'many.php').write_text(MANY)
    path = tmp_path / 'learned.db'
    outrider = make_outrider(fpm, front_controller='/many.php', top=store(path))
    client = connect(outrider, tls=False)
    unlimited = subprocess.run(['prlimit', f'--pid={outrider.pid}', '--fsize', '--output=SOFT,HARD',
                                '--noheadings', '--raw'], capture_output=True, text=True,
                               check=True).stdout
    subprocess.run(['prlimit', f'--pid={outrider.pid}', '--fsize=8192:unlimited'], check=True)
    for number in range(20):
        assert client.navigate(f'/full/{number}/').status == 200
    assert outrider.wait_log(r'error store ')
    assert outrider.is_running()
    subprocess.run(['prlimit', f'--pid={outrider.pid}', '--fsize=unlimited:unlimited'], check=True)
    assert 'unlimited' in unlimited
    until(lambda: {f'/full/{n}/' for n in range(20)} <= learned(path), 5, 'it was lost')


# ---- forgetting ----------------------------------------------------------------------------------

def test_a_route_is_forgotten_for_good(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    outrider = make_outrider(fpm, top=store(path))
    learn(connect, outrider, '/page.php')
    learn(connect, outrider, '/page.php?p=2')
    assert '1 routes forgotten' in command(outrider, 'forget', '--site', 'localhost', '/page.php')
    assert '0 routes forgotten' in command(outrider, 'forget', '--site', 'localhost', '/page.php')
    assert [r['route'] for r in outrider.routes() if not r['pattern']] == ['/page.php?p=2']
    until(lambda: '/page.php' not in learned(path), 5, 'it is still kept')
    outrider.stop()
    again = make_outrider(fpm, top=store(path))
    assert [r['route'] for r in again.routes() if not r['pattern']] == ['/page.php?p=2']


def test_what_was_kept_before_a_restart_is_forgotten_for_good_too(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    learn(connect, first := make_outrider(fpm, top=store(path)), '/page.php')
    first.stop()
    second = make_outrider(fpm, top=store(path))
    assert '1 routes' in command(second, 'forget', '--site', 'localhost', '/page.php')
    second.stop()
    assert '/page.php' not in learned(path)


def test_clear_forgets_everything_of_a_site(connect, make_outrider, fpm, tmp_path):
    path = tmp_path / 'learned.db'
    outrider = make_outrider(fpm, top=store(path))
    learn(connect, outrider, '/page.php')
    assert 'other.example' in command(outrider, 'clear', '--site', 'other.example', status=1)
    assert outrider.routes()
    assert '0 routes' not in command(outrider, 'clear', '--site', 'localhost')
    assert not outrider.routes()
    client = connect(outrider)
    time.sleep(0.2)
    assert not hinted(client, '/page.php'), 'workers still have it'
    command(outrider, 'clear')
    until(lambda: not learned(path), 5, 'it is still kept')


def test_what_finds_no_room_any_more_is_dropped_from_the_file(connect, make_outrider, fpm, site, tmp_path):
    (site / 'many.php').write_text(MANY)
    path = tmp_path / 'learned.db'
    first = make_outrider(fpm, front_controller='/many.php', top=store(path))
    client = connect(first, tls=False)
    for number in range(300):
        client.navigate(f'/{number}/')
        time.sleep(PACE_S)
    until(lambda: len(learned(path)) >= 300, 5, 'they are not written')
    first.stop()
    second = make_outrider(fpm, front_controller='/many.php',
                           top=store(path) + '\nlearner { routes = 64 }\n')
    until(lambda: len(learned(path)) <= 64, 5, 'they are still there')
    assert {route['route'] for route in second.routes()} == learned(path)
