# SPDX-License-Identifier: MIT
"""What the programs say of themselves, made of their tables: pages of the manual that man and mandoc
take without a word, completions that the shells understand, and how they were built."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from servers import BINARY

BRIDGE = str(Path(BINARY).parent / 'fcgi-bridge')
PAGES = {'outrider.1': [BINARY, 'manual', 'outrider'], 'outrider-routes.1': [BINARY, 'manual', 'outrider-routes'],
         'outrider.conf.5': [BINARY, 'manual', 'outrider.conf'], 'fcgi-bridge.1': [BRIDGE, '--manual']}
COMPLETIONS = {'outrider': [BINARY, 'completion'], 'fcgi-bridge': [BRIDGE, '--completion']}


def said(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, **options).stdout


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f'{program} is not here')


def plain(roff):
    """The text of a page without roff's escapes."""
    return roff.replace('\\-', '-').replace('\\(dq', '"').replace('\\e', '\\').replace('\\&', '')


@needs('man')
@needs('mandoc')
@pytest.mark.parametrize('name', PAGES)
def test_a_page_is_good_roff(name, tmp_path):
    page = tmp_path / name
    page.write_text(said(*PAGES[name]))
    shown = subprocess.run(['man', '--warnings', '-l', str(page)], capture_output=True, text=True, timeout=30,
                           env={**os.environ, 'MANPAGER': 'cat', 'LC_ALL': 'C.UTF-8'})
    assert shown.returncode == 0 and not shown.stderr and 'NAME' in shown.stdout
    checked = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', str(page)], capture_output=True, text=True,
                             timeout=30)
    assert checked.returncode == 0, checked.stdout


def test_the_pages_have_every_command_option_and_argument():
    program, options = plain(said(*PAGES['outrider.1'])), plain(said(*PAGES['outrider.conf.5']))
    commands = re.findall(r'^  outrider (\w+)', said(BINARY, 'help'), re.MULTILINE)
    assert len(commands) > 10
    for command in commands:
        assert f'.SS "{command}' in program
        for argument in re.findall(r'^  (--[a-z-]+)', said(BINARY, 'help', command), re.MULTILINE):
            assert f'.BI "{argument}' in program
    names = re.findall(r'^  ([a-z0-9-]+) ', said(BINARY, 'help', 'options'), re.MULTILINE)
    assert len(names) > 100 and not [name for name in names if f'.BI "{name}"' not in options]
    bridge = plain(said(*PAGES['fcgi-bridge.1']))
    names = re.findall(r'^  (--[a-z-]+)', said(BRIDGE, '--help'), re.MULTILINE)
    assert len(names) > 20 and not [name for name in names if f'.BI "{name}' not in bridge]


# What is typed, and some of what is offered.
TYPED = [('outrider ru', {'run'}), ('outrider r', {'ready', 'reload', 'routes', 'run'}),
         ('outrider routes --au', {'--audience'}), ('outrider routes --audience ', {'public', 'session'}),
         ('outrider run --mode o', {'off', 'observe'}), ('outrider run --check-script ', {'true', 'false'}),
         ('outrider run --config /etc/pass', {'/etc/passwd'}), ('outrider completion ', {'bash', 'zsh', 'fish'}),
         ('outrider manual outrider.', {'outrider.conf'}), ('fcgi-bridge --work', {'--workers'}),
         ('fcgi-bridge --gone ', {'end', 'finish'}), ('fcgi-bridge --root /et', {'/etc'})]


@needs('bash')
@pytest.mark.parametrize('line, offered', TYPED)
def test_bash_completes(line, offered, tmp_path):
    program = line.split()[0]
    script = tmp_path / 'script'
    script.write_text(said(*COMPLETIONS[program], 'bash') + 'compopt() { :; }\n'
                      'read -ra COMP_WORDS <<<"$1"; [[ $1 != *" " ]] || COMP_WORDS+=("")\n'
                      'COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n'
                      f'_{program.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"\n')
    answers = set(said('bash', str(script), line).split())
    assert offered <= answers and all(answer.startswith(line.rsplit(' ', 1)[1]) for answer in answers), answers


def test_bash_completes_behind_an_equals_sign(tmp_path):
    script = tmp_path / 'script'
    script.write_text(said(BINARY, 'completion', 'bash') + 'COMP_WORDS=(outrider routes --audience = p); COMP_CWORD=4\n'
                      '_outrider; printf "%s\\n" "${COMPREPLY[@]}"\n')
    assert said('bash', str(script)).split() == ['public']


@needs('fish')
@pytest.mark.parametrize('line, offered', TYPED)
def test_fish_completes(line, offered, tmp_path):
    script = tmp_path / 'script'
    script.write_text(said(*COMPLETIONS[line.split()[0]], 'fish'))
    out = said('fish', '--no-config', '-c', f'source {script}; complete -C "{line}"', env={**os.environ, 'HOME': str(tmp_path)})
    answers = {row.split('\t')[0].rstrip('/') for row in out.split('\n')}
    assert offered <= answers, out


@needs('zsh')
@pytest.mark.parametrize('program', COMPLETIONS)
def test_zsh_takes_its_completions(program, tmp_path):
    """What its helpers are called with is shown: they work in an interactive shell only."""
    script = tmp_path / f'_{program}'
    script.write_text(said(*COMPLETIONS[program], 'zsh'))
    said('zsh', '-f', '-n', str(script))
    calls = tmp_path / 'calls'
    calls.write_text('_describe() { print -l -- "${(@P)2}" }; _arguments() { print -l -- "$@" }\n'
                     f'words=($argv); CURRENT=$#words; source {script}\n')
    if program == 'outrider':
        assert 'run:Serve what a configuration file says' in said('zsh', '-f', str(calls), 'outrider', 'ru')
        shown = said('zsh', '-f', str(calls), 'outrider', 'routes', '--a')
        assert '*--audience=[Only routes of the public, or of sessions]:value:(public session)\n' in shown
    else:
        assert '*--gone=[' in said('zsh', '-f', str(calls), 'fcgi-bridge', '--g')


def test_a_wrong_argument_is_told_with_the_way_to_the_help():
    for command, words in ((['routes'], 'routes: it needs --admin ADDRESS'), (['check'], 'check: it needs FILE'),
                           (['check', 'a', 'b'], 'check: unknown argument: b'), (['routes', '--admin'], 'no value after --admin'),
                           (['reload'], 'reload: it needs --config FILE | --admin ADDRESS'),
                           (['routes', '--admin=unix:/x', '--audience', 'all'], 'expected one of public|session'),
                           (['forget', '--admin', 'unix:/x', '/a'], 'forget: it needs --admin ADDRESS --site NAME ROUTE'),
                           (['version', '--verbose=1'], 'takes no value: --verbose'), (['help', 'x'], 'no help about x')):
        done = subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=10)
        assert done.returncode == 2 and words in done.stderr and 'outrider help' in done.stderr, done.stderr


def test_version_says_how_the_program_was_built():
    for command in ([BINARY, 'version', '--verbose'], [BRIDGE, '--version', '--verbose']):
        text = said(*command)
        for line in (r'\w[\w-]+ \d+\.\d+\.\d+', r'compiler: \w+ \d+\.\d+\.\d+', 'flags: .*-Wall', 'assertions: o(n|ff)',
                     'sanitizers: ', 'libraries:'):
            assert re.search(f'^{line}', text, re.MULTILINE), text
        # Folders would make each build another one.
        assert str(Path(BINARY).parents[2]) not in text
        libraries = dict(re.findall(r'^  (\S+) (\S+)', text, re.MULTILINE))
        for name, version in libraries.items():
            if shutil.which('pkg-config'):
                assert version.startswith(said('pkg-config', '--modversion', name).strip())
        linked = {re.sub(r'\W.*|^lib', '', name) for name in re.findall(r'^\s+(lib\S+) =>', said('ldd', command[0]), re.MULTILINE)}
        assert len(libraries) >= (8 if command[0] == BINARY else 1)
        assert 'hiredis' not in linked
