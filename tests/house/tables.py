# SPDX-License-Identifier: MIT
"""One row: what stands in a .def table and what is shown to people may not drift apart."""
import os
import re
import subprocess

import pytest
from source import ROOT, listed, text, without_comments

TABLES = [name for name in listed() if name.endswith('.def')]
OPTIONS_PAGE = 'sidecar/config/OPTIONS.md'
OUTRIDER = os.environ.get('OUTRIDER', str(ROOT / 'build/release/outrider'))


def rows(name):
    """The argument lists of the rows: NAME(...), parentheses balanced."""
    code, found = without_comments(text(name)), []
    for match in re.finditer(r'^\s*[A-Z][A-Z0-9_]*\(', code, re.MULTILINE):
        depth, quoted, at = 1, False, match.end()
        while at < len(code) and depth:
            char = code[at]
            if char == '\\' and quoted:
                at += 1
            elif char == '"':
                quoted = not quoted
            elif not quoted:
                depth += {'(': 1, ')': -1}.get(char, 0)
            at += 1
        found.append(code[match.end():at - 1])
    return found


@pytest.mark.parametrize('name', TABLES)
def test_a_table_says_what_its_columns_are(name):
    lines = text(name).split('\n')
    assert lines[0] == '// SPDX-License-Identifier: MIT'
    comment = []
    for line in lines[1:]:
        if not line.startswith('//'):
            break
        comment.append(line)
    assert re.search(r'\w+\(', ' '.join(comment)), f'{name}: the columns are not described'


# Lists of names from outside, which nobody is shown.
NAMES_ONLY = {'fcgi-bridge/runner/limit.def',
              'sidecar/hints/harmless_cookie.def', 'sidecar/hints/link_attribute.def',
              'sidecar/hints/preload_type.def', 'sidecar/hints/session_cookie.def', 'sidecar/exchange/forwarded_field.def',
              'sidecar/learner/marketing_key.def', 'sidecar/learner/token_name.def',
              'sidecar/learner/version_key.def', 'sidecar/scan/html_attribute.def',
              'sidecar/scan/html_element.def'}


@pytest.mark.parametrize('name', [name for name in TABLES if name not in NAMES_ONLY])
def test_every_row_has_words_for_people(name):
    found = rows(name)
    assert found, f'{name} has no rows'
    wrong = [row for row in found
             if not any(len(words.split()) >= 2 or re.fullmatch(r'[A-Z]\w+\.', words)
                        for words in re.findall(r'"((?:\\.|[^"\\])*)"', row))]
    assert not wrong, f'{name}: rows without a sentence:\n' + '\n'.join(wrong)


@pytest.mark.parametrize('name', TABLES)
def test_no_row_is_there_twice(name):
    firsts = [row.split(',')[0].strip() for row in rows(name)]
    twice = {first for first in firsts if firsts.count(first) > 1}
    assert not twice, f'{name}: {sorted(twice)}'


def block(page, command):
    """What stands on the page between the comment that names the command and the one that ends it."""
    found = re.search(rf'<!-- {command} -->\n(.*?)<!-- end -->', text(page), re.DOTALL)
    assert found, f'{page} has no table of {command} between its comments'
    return found[1].strip()


@pytest.mark.parametrize('topic', ['options', 'fields'])
def test_the_options_page_has_the_table_that_the_program_prints(topic):
    if not os.access(OUTRIDER, os.X_OK):
        pytest.skip(f'{OUTRIDER} is not built')
    printed = subprocess.run([OUTRIDER, 'help', topic, '--markdown'], check=True, timeout=10,
                             capture_output=True, text=True).stdout
    assert printed.count('|') > 20
    assert block(OPTIONS_PAGE, f'outrider help {topic} --markdown') == printed.strip()


@pytest.mark.parametrize('what, page', [('--table', 'tests/sim/README.md'), ('--bounds', 'sidecar/learner/README.md')])
def test_a_page_has_the_table_that_the_simulation_prints(what, page):
    simulation = ROOT / 'build/release/tests/learning_sim'
    if not os.access(simulation, os.X_OK):
        pytest.skip(f'{simulation} is not built')
    printed = subprocess.run([simulation, what], check=True, timeout=120, capture_output=True, text=True).stdout
    assert block(page, f'learning_sim {what}') == printed.strip()


@pytest.mark.skipif('sidecar/config/options.def' not in listed(), reason='no options yet')
def test_every_option_is_on_the_options_page():
    printed = text(OPTIONS_PAGE)
    wrong = [name for row in rows('sidecar/config/options.def')
             for name in re.findall(r'"([a-z][a-z-]*)"', row)[:1] if name not in printed]
    assert not wrong, wrong


def test_readme_can_be_read_in_ten_minutes():
    """What is for some readers only has a page beside its subject."""
    readme = text('README.md')
    assert len(readme.split('\n')) <= 150 and len(readme.split()) <= 1600


def pages():
    return [name for name in listed() if name.endswith('.md')]


@pytest.mark.parametrize('name', pages())
def test_every_link_to_a_file_leads_somewhere(name):
    links = [link for link in re.findall(r'\]\(([^)\s]+)\)', text(name)) if '://' not in link]
    wrong = [link for link in links
             if link.split('#')[0] and not (ROOT / name).parent.joinpath(link.split('#')[0]).exists()]
    assert not wrong, wrong


def heading_anchor(heading):
    return re.sub(r'[^\w -]', '', heading.strip().lower()).replace(' ', '-')


@pytest.mark.parametrize('name', pages())
def test_every_link_to_a_heading_finds_it(name):
    wrong = []
    for page, anchor in re.findall(r'\]\(([^)\s#:]*)#([^)\s]+)\)', text(name)):
        target = (ROOT / name).parent.joinpath(page) if page else ROOT / name
        headings = re.findall(r'^#+ (.*)$', target.read_text(encoding='utf-8'), re.MULTILINE)
        if anchor not in map(heading_anchor, headings):
            wrong.append(f'{page}#{anchor}')
    assert not wrong, wrong


def test_the_package_list_has_no_row_twice():
    lines = [line for line in text('tests/packages.txt').split('\n')
             if line and not line.startswith('#')]
    assert all(re.fullmatch(r'(build|demo|demo-git|test|bench|fronts|package|wordpress|wordpress-files) [a-z0-9.+-]+', line) for line in lines)
    assert len(lines) == len(set(lines))


def test_nobody_keeps_a_package_list_of_his_own():
    wrong = [name for name in listed()
             if name.endswith(('.sh', '.md', '.yml', '.yaml', '.ci/run'))
             and re.search(r'apt(-get)? install +(?!\$|-)[a-z]', text(name))]
    assert not wrong, wrong
