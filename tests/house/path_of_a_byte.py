# SPDX-License-Identifier: MIT
"""README draws the path of a byte, from on_read to the 103 on the wire, as a fenced block that
starts with ```path, one line a function:

    on_read            sidecar/server/conn.c
    conn_pump          sidecar/server/conn.c

Every function is defined in the file beside it, and its body names the next one. A step through a
table of functions counts too: `f->ops->feed(` names h2_feed. Indentation and words behind the file
are free."""
import re

import pytest
from source import ROOT, bare, function_body, listed, text

LINE = re.compile(r'^[^\w/]*(\w+)\s+\(?((?:sidecar|fcgi-bridge)/[\w./-]+\.[ch])\)?')


def drawn():
    if 'README.md' not in listed():
        return []
    block = re.search(r'^```path\n(.*?)^```', text('README.md'), re.DOTALL | re.MULTILINE)
    lines = block[1].split('\n') if block else []
    return [match.groups() for match in map(LINE.match, lines) if match]


def names(body, function):
    """Does the code call, or hand over, the function? Comments do not count."""
    code = bare(body)
    if re.search(r'\b' + re.escape(function) + r'\b', code):
        return True
    _, _, verb = function.partition('_')
    return bool(verb) and re.search(r'->\s*' + re.escape(verb) + r'\s*\(', code) is not None


STEPS = drawn()


def test_readme_draws_the_path_from_on_read():
    assert len(STEPS) >= 5, 'README.md has no ```path block'
    assert STEPS[0][0].endswith('on_read')


@pytest.mark.parametrize('at', range(len(STEPS)))
def test_each_function_is_where_the_drawing_says(at):
    function, name = STEPS[at]
    assert (ROOT / name).is_file(), name
    assert function_body(name, function) is not None, f'{name} does not define {function}'


@pytest.mark.parametrize('at', range(len(STEPS) - 1))
def test_each_function_names_the_next(at):
    (function, name), (following, _) = STEPS[at], STEPS[at + 1]
    body = function_body(name, function)
    assert body is not None and names(body, following), f'{function} does not name {following}'


def test_this_test_sees_a_gap():
    assert names('int a = x_feed(b);', 'x_feed')
    assert names('return f->ops->feed(f, b);', 'h2_feed')
    assert not names('// x_feed would be nice', 'x_feed')
    assert not names('x_feeder(b);', 'x_feed')
