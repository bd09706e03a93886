# SPDX-License-Identifier: MIT
"""The example shows what it promises, from any folder, and leaves nothing behind."""
import os
import re
import subprocess

import pytest
from servers import BINARY, ROOT


@pytest.mark.skipif(BINARY != str(ROOT / 'build/release/outrider'), reason='the demo builds release')
def test_the_demo_shows_the_first_answer_without_and_the_second_with_a_103(tmp_path):
    temporary = tmp_path / 'tmp'
    temporary.mkdir()
    done = subprocess.run(['sh', str(ROOT / 'php-examples/demo.sh'), '--once'], cwd='/',
                          env=dict(os.environ, TMPDIR=str(temporary)), capture_output=True, text=True,
                          timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    _, first, second = re.split(r'== The (?:first|second) visitor', done.stdout)
    assert '200 OK' in first and '103' not in first
    hint = int(re.search(r'(\d+) ms   103 Early Hints', second)[1])
    page = int(re.search(r'(\d+) ms   200 OK', second)[1])
    assert page - hint >= 300
    for asset in ('style.css', 'app.js', 'blocks.ttf', 'hero.svg'):
        assert asset in second
    assert os.listdir(temporary) == []
