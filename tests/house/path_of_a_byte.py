# SPDX-License-Identifier: MIT
"""README draws the path of a byte, from on_read to the 103 on the wire, as fenced blocks that
start with ```path, one line a function:

    on_read            sidecar/server/conn_input.c
    conn_pump          sidecar/server/conn_input.c

Every function is defined in the file beside it, and its body names the next one. A step through a
table of functions counts too: `f->ops->feed(` names h2_feed. Indentation and words behind the file
are free."""
import re

import pytest
from source import ROOT, bare, function_body, listed, text

LINE = re.compile(r'^[^\w/]*(\w+)\s+\(?((?:sidecar|fcgi-bridge)/[\w./-]+\.[ch])\)?')


def drawn():
    """The blocks, each a list of (function, file)."""
    if 'README.md' not in listed():
        return []
    blocks = re.findall(r'^```path\n(.*?)^```', text('README.md'), re.DOTALL | re.MULTILINE)
    return [[match.groups() for match in map(LINE.match, block.split('\n')) if match]
            for block in blocks]


def names(body, function):
    """Does the code call, or hand over, the function? Comments do not count."""
    code = bare(body)
    if re.search(r'\b' + re.escape(function) + r'\b', code):
        return True
    _, _, verb = function.partition('_')
    return bool(verb) and re.search(r'->\s*' + re.escape(verb) + r'\s*\(', code) is not None


BLOCKS = drawn()
STEPS = [step for block in BLOCKS for step in block]
PAIRS = [pair for block in BLOCKS for pair in zip(block, block[1:])]


def test_readme_draws_the_path_from_the_read_to_the_write():
    assert len(STEPS) >= 9, 'README.md has no ```path block'
    assert STEPS[0][0] == 'on_read'
    writers = [name for function, name in BLOCKS[-1]
               if names(function_body(name, function), 'uv_try_write')]
    assert writers == ['sidecar/server/conn_output.c']


@pytest.mark.parametrize('function, name', STEPS)
def test_each_function_is_where_the_drawing_says(function, name):
    assert (ROOT / name).is_file(), name
    assert function_body(name, function) is not None, f'{name} does not define {function}'


@pytest.mark.parametrize('step, following', PAIRS)
def test_each_function_names_the_next(step, following):
    body = function_body(step[1], step[0])
    assert body is not None and names(body, following[0]), f'{step[0]} does not name {following[0]}'


def test_this_test_sees_a_gap():
    assert names('int a = x_feed(b);', 'x_feed')
    assert names('return f->ops->feed(f, b);', 'h2_feed')
    assert not names('// x_feed would be nice', 'x_feed')
    assert not names('x_feeder(b);', 'x_feed')
