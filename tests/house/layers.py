# SPDX-License-Identifier: MIT
"""The stairs: a folder includes only from itself and from the steps listed for it, and a library
is used only where it is listed. A row here is a decision; CONTRIBUTING.md says why."""
import re

import pytest
from source import ROOT, bare, c_files, folder, function_body, includes, listed, text

# folder: (folders it may include from; "folder/file" allows one header; libraries it may use)
STAIRS = {
    'fcgi-bridge/base': ([], []),
    'fcgi-bridge/fcgi': (['base'], ['fastcgi']),
    'fcgi-bridge/runner': (['base', 'fcgi'], ['fcgi']),
    'fcgi-bridge': (['base', 'runner'], []),
    'sidecar/http': (['base'], ['nghttp2', 'openssl', 'zlib', 'brotli', 'zstd', 'uriparser']),
    'sidecar/hints': (['base', 'http/date', 'http/field', 'http/mime', 'http/uri'], []),
    # Of the hints a scanner needs the words of a link only.
    'sidecar/scan': (['base', 'http', 'hints/link'], []),
    'sidecar/learner': (['base', 'hints', 'http/field', 'http/uri'], []),
    'sidecar/metrics': (['base'], []),
    'sidecar/exchange': (['base', 'http/coding', 'http/field', 'http/mime', 'http/status', 'http/tls_client', 'http/uri', 'hints',
                          'scan', 'learner', 'metrics'], ['pcre2']),
    # The relay as an engine: what it needs of the world are ports, which server implements.
    'sidecar/gateway': (['base', 'http', 'hints', 'scan', 'learner', 'metrics', 'exchange'], []),
    'sidecar/store': (['base', 'hints', 'learner'], ['sqlite', 'hiredis']),
    'sidecar/admin': (['base', 'http/mime', 'hints', 'learner', 'metrics'], ['jansson']),
    # The conf structs of the steps below it.
    'sidecar/config': (['base', 'fcgi', 'http', 'hints', 'learner', 'metrics', 'exchange', 'store',
                        'admin'], ['confuse']),
    'sidecar/server': (['base', 'fcgi', 'http', 'hints', 'scan', 'learner', 'metrics', 'exchange',
                        'gateway', 'store', 'admin', 'config'], ['uv', 'urcu']),
    'sidecar/cli': (['base', 'fcgi', 'http', 'hints', 'learner', 'metrics', 'exchange', 'store',
                     'admin', 'config', 'server'], []),
    'sidecar': (['base', 'config', 'server', 'cli'], []),
}

# What a library's headers look like.
LIBRARIES = {
    'fastcgi': r'fastcgi\.h',
    'fcgi': r'(fastcgi|fcgiapp|fcgi_stdio|fcgios)\.h',
    'nghttp2': r'nghttp2/',
    'openssl': r'openssl/',
    'zlib': r'zlib\.h',
    'brotli': r'brotli/',
    'zstd': r'zstd\.h',
    'uriparser': r'uriparser/',
    'sqlite': r'sqlite3\.h',
    'hiredis': r'hiredis/',
    'jansson': r'jansson\.h',
    'confuse': r'confuse\.h',
    'pcre2': r'pcre2\.h',
    'uv': r'uv\.h|uv/',
    'urcu': r'urcu',
}

# The C library and the kernel: what everybody may include. Whether it may be called is pure.py's.
LIBC = re.compile(
    r'(assert|ctype|dirent|errno|fcntl|float|fnmatch|ftw|glob|inttypes|limits|malloc|math|netdb|poll|pthread|pwd|grp|'
    r'sched|signal|'
    r'stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|time|'
    r'unistd|getopt|syslog|spawn)\.h$|(sys|arpa|net|netinet|linux|bits)/')


def allowed(step, included):
    """May a file of the folder `step` include "included"?"""
    uses, _ = STAIRS[step]
    if included.split('/')[0] == step.split('/')[-1]:
        return True
    stem = re.sub(r'\.(h|def)$', '', included)
    return any(included.startswith(use + '/') or stem == use for use in uses)


@pytest.mark.parametrize('step', STAIRS)
def test_a_folder_includes_only_from_the_steps_listed_for_it(step):
    wrong = [f'{name}:{line}: "{path}" is not a step below {step}'
             for name in c_files(step + '/') if folder(name) == step
             for line, path, system in includes(name) if not system and not allowed(step, path)]
    assert not wrong, '\n'.join(wrong)


@pytest.mark.parametrize('step', STAIRS)
def test_a_library_is_used_only_where_it_is_listed(step):
    may = [LIBRARIES[library] for library in STAIRS[step][1]]
    wrong = [f'{name}:{line}: <{path}> is not listed for {step}'
             for name in c_files(step + '/') if folder(name) == step
             for line, path, system in includes(name)
             if system and not LIBC.match(path) and not any(re.match(m, path) for m in may)]
    assert not wrong, '\n'.join(wrong)


def test_libuv_is_included_in_server_only():
    wrong = [f'{name}:{line}' for name in c_files('sidecar/', 'fcgi-bridge/')
             for line, path, _ in includes(name)
             if re.match(LIBRARIES['uv'], path) and folder(name) != 'sidecar/server']
    assert not wrong, wrong


def test_every_folder_with_code_is_a_step():
    unknown = {folder(name) for name in c_files('sidecar/', 'fcgi-bridge/')} - set(STAIRS)
    assert not unknown, f'not in the stairs: {sorted(unknown)}'


def test_the_stairs_have_no_circle():
    by_last = {step.split('/')[-1]: step for step in STAIRS}
    below = {step: {by_last[use.split('/')[0]] for use in uses} for step, (uses, _) in STAIRS.items()}
    while below:
        free = [step for step, uses in below.items() if not uses & set(below)]
        assert free, f'a circle among {sorted(below)}'
        for step in free:
            del below[step]


def test_cmake_links_a_library_only_where_it_is_listed():
    """The stairs of CMakeLists.txt are these: same folders, no more to use, no other libraries."""
    names = {'libnghttp2': 'nghttp2', 'openssl': 'openssl', 'zlib': 'zlib', 'libbrotlienc': 'brotli',
             'libbrotlidec': 'brotli', 'libzstd': 'zstd',
             'liburiparser': 'uriparser', 'sqlite3': 'sqlite',
             'hiredis': 'hiredis', 'jansson': 'jansson', 'libconfuse': 'confuse', 'libpcre2-8': 'pcre2', 'libuv': 'uv',
             'liburcu-qsbr': 'urcu', 'liburcu-cds': 'urcu', 'fcgi': 'fcgi', 'Threads': None}
    code = re.sub(r'#[^\n]*', '', text('CMakeLists.txt'))
    steps = re.findall(r'\bhouse_step\(\s*([\w/-]+/[\w-]+)([^)]*)\)', code)
    assert len(steps) > 5
    wrong = []
    for step, rest in steps:
        if step not in STAIRS:
            wrong.append(f'{step} is not in the stairs')
            continue
        uses, libraries = STAIRS[step]
        used, _, linked = rest.partition('LINKS')
        folders = {use.split('/')[0] for use in uses}
        wrong += [f'{step} uses {use}' for use in used.split()
                  if use != 'USES' and use not in folders]
        for target in re.findall(r'(?:PkgConfig|Threads)::([\w.-]+)', linked):
            library = names[target if target != 'Threads' else target]
            if library and library not in libraries:
                wrong.append(f'{step} links {library}')
    assert not wrong, '\n'.join(wrong)


def test_a_source_file_includes_its_own_header_first():
    wrong = []
    for name in c_files('sidecar/', 'fcgi-bridge/'):
        own = name[:-2] + '.h'
        if name.endswith('.c') and own in listed():
            want = '/'.join(own.split('/')[-2:])
            first = next(iter(includes(name)), (0, '', True))
            if first[1:] != (want, False):
                wrong.append(f'{name}: the first #include is not "{want}"')
    assert not wrong, '\n'.join(wrong)


def test_no_ifdef_inside_a_function():
    wrong = []
    for name in c_files('sidecar/', 'fcgi-bridge/'):
        if not name.endswith('.c'):
            continue
        depth = 0
        for number, line in enumerate(bare(text(name)).split('\n'), 1):
            if depth > 0 and re.match(r'\s*#\s*(if|ifdef|ifndef)\b', line):
                wrong.append(f'{name}:{number}')
            depth += line.count('{') - line.count('}')
    assert not wrong, wrong


def test_every_source_file_says_its_licence():
    kinds = ('.c', '.h', '.def', '.py', '.sh', '.php', '.js', '.css', '.cmake', 'CMakeLists.txt',
             '.ci/run', 'bench/run', 'bench/hints', 'bench/peer', 'bench/instructions')
    wrong = [name for name in listed() if name.endswith(kinds)
             and 'SPDX-License-Identifier: MIT' not in '\n'.join(text(name).split('\n')[:4])]
    assert not wrong, wrong


def test_the_top_level_is_fixed():
    fixed = {'sidecar', 'fcgi-bridge', 'php-examples', 'tests', 'debian', 'CMakeLists.txt', 'Containerfile',
             'CMakePresets.json', 'README.md', 'CONTRIBUTING.md', 'LICENSE'}
    extra = {name.split('/')[0] for name in listed()} - fixed
    assert not {name for name in extra if not name.startswith('.')}


def test_no_work_is_left_to_do_in_the_code():
    marks = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b')
    wrong = [f'{name}:{number}' for name in listed()
             if name.endswith(('.c', '.h', '.py', '.sh', '.php', '.def'))
             for number, line in enumerate(text(name).split('\n'), 1) if marks.search(line)]
    assert not wrong, wrong


def test_this_test_sees_a_wrong_include():
    assert not allowed('sidecar/hints', 'server/loop.h')
    assert not allowed('sidecar/hints', 'http/h2.h')
    assert allowed('sidecar/hints', 'http/uri.h')
    assert allowed('sidecar/exchange', 'exchange/states.def')
    assert not LIBC.match('nghttp2/nghttp2.h')
    assert function_body('fcgi-bridge/base/span.c', 'no_such_function') is None
    assert (ROOT / 'CMakeLists.txt').exists()
