# SPDX-License-Identifier: MIT
"""sidecar/README.md draws the path of a byte, from on_read to the 103 on the wire, as a fenced block that
starts with ```path, one line a function:

    on_read            sidecar/server/conn_input.c
      conn_pump        sidecar/server/conn_input.c

Every function is defined in the file beside it, and its body names those that are indented below
it. A step through a table of functions counts too: `f->ops->feed(` names h2_feed, and so does
`front_feed(`, which is that step as a function. Words behind the file are free. At most so many
names in so few files: who reads them has read the path."""
import re

import pytest
from source import ROOT, bare, function_body, text

PAGE = 'sidecar/README.md'
NAMES, FILES = 12, 6
LINE = re.compile(r'^( *)(\w+) +((?:sidecar|fcgi-bridge)/[\w./-]+\.[ch])')


def drawn():
    """(indentation, function, file) of every line."""
    block = re.search(r'^```path\n(.*?)^```', text(PAGE), re.DOTALL | re.MULTILINE)
    lines = block[1].split('\n') if block else []
    return [(len(match[1]), match[2], match[3]) for match in map(LINE.match, lines) if match]


def pairs(steps):
    """Each step with the one that it is indented below."""
    above = []
    for indentation, function, name in steps:
        while above and above[-1][0] >= indentation:
            above.pop()
        if above:
            yield above[-1][1:], (function, name)
        above.append((indentation, function, name))


def names(body, function):
    """Does the code call, or hand over, the function? Comments do not count."""
    code = bare(body)
    if re.search(r'\b' + re.escape(function) + r'\b', code):
        return True
    _, _, verb = function.partition('_')
    step = r'(->\s*|\bfront_)' + re.escape(verb) + r'\s*\('
    return bool(verb) and re.search(step, code) is not None


DRAWN = drawn()
STEPS = [step[1:] for step in DRAWN]
PAIRS = list(pairs(DRAWN))


def test_the_page_draws_the_path_from_the_read_to_the_write():
    assert len(STEPS) >= 9, f'{PAGE} has no ```path block'
    assert STEPS[0][0] == 'on_read'
    assert 'h2_inform' in [function for function, _ in STEPS]
    function, name = STEPS[-1]
    assert names(function_body(name, function), 'uv_try_write')


def test_the_path_is_short():
    assert len({function for function, _ in STEPS}) <= NAMES
    assert len({name for _, name in STEPS}) <= FILES


def test_front_is_a_step_through_a_table():
    for verb in ('feed', 'inform'):
        assert f'ops->{verb}(' in function_body('sidecar/http/front.h', f'front_{verb}')


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
    assert names('return front_feed(f, b);', 'h2_feed')
    assert list(pairs([(0, 'a', 'f'), (2, 'b', 'f'), (4, 'c', 'f'), (2, 'd', 'g'), (0, 'e', 'f')])) \
        == [(('a', 'f'), ('b', 'f')), (('b', 'f'), ('c', 'f')), (('a', 'f'), ('d', 'g'))]
    assert not names('// x_feed would be nice', 'x_feed')
    assert not names('x_feeder(b);', 'x_feed')
