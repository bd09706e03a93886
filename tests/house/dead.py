# SPDX-License-Identifier: MIT
"""No dead code: what a header offers has a caller in the programs, and not in tests alone; a row of
errors has code that returns it."""
import functools
import re
from collections import Counter

from source import bare, c_files, listed, text, without_comments
from tables import rows

PROGRAMS = ('sidecar/', 'fcgi-bridge/')
WORD = re.compile(r'[A-Za-z_]\w*')


@functools.lru_cache(None)
def program(name):
    return bare(text(name))


def words(names):
    return Counter(word for name in names for word in WORD.findall(program(name)))


def declared(code):
    """Names of the functions that a header declares or defines inline: they begin in the first
    column, as clang-format leaves them."""
    code = re.sub(r'^\s*#(?:[^\n\\]|\\.)*', '', code, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r'^(?!typedef\b)[a-z](?:[\w\s*]|__attribute__\(\([^;]*?\)\))*?\b(\w+)\((?!\()', code,
                       re.MULTILINE)
    return [name for name in found if name not in ('__attribute__', '_Static_assert')]


def own_words(name, code):
    """How often the name stands in the code as a declaration or as the head of a definition."""
    return len(re.findall(r'^[a-z][\w\s*]*?\b' + name + r'\(', code, re.MULTILINE))


def unused(headers, sources):
    count = words(headers + sources)
    found = []
    for header in headers:
        for name in declared(program(header)):
            own = sum(own_words(name, program(f)) for f in headers + sources if name in program(f))
            if count[name] <= own:
                found.append(f'{header}: {name} has no caller')
    return found


def test_every_function_of_a_header_has_a_caller_outside_tests():
    names = [n for n in listed() if n.startswith(PROGRAMS)]     # a row of a table may name a function
    found = unused([n for n in names if n.endswith('.h')], [n for n in names if n.endswith(('.c', '.def'))])
    assert not found, '\n'.join(found)


def test_every_error_is_returned_by_somebody():
    used = words(c_files(*PROGRAMS))
    for table in (n for n in listed() if n.endswith('.def') and n.startswith(PROGRAMS)):
        used.update(WORD.findall(re.sub(r'^\s*ERROR\(\w+', '', without_comments(text(table)), flags=re.MULTILINE)))
    tables = [n for n in listed() if n.startswith(PROGRAMS) and n.endswith('error.def')]
    idle = [row.split(',')[0] for table in tables for row in rows(table) if not used[row.split(',')[0]]]
    assert tables and not idle, idle


def test_this_test_sees_a_function_without_a_caller():
    code = ('int thing_find(const struct thing *t,\n               int n);\nbool thing_is_odd(int n);\n'
            'static inline int thing_len(struct span s) {\n    return thing_find(0, 1);\n}\n'
            'void thing_say(const char *, ...) __attribute__((format(printf, 1, 2)));\n#define X(a) f(a)\n')
    assert declared(code) == ['thing_find', 'thing_is_odd', 'thing_len', 'thing_say']
    assert own_words('thing_find', code) == 1 and own_words('thing_len', code) == 1
