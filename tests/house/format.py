# SPDX-License-Identifier: MIT
"""The code looks as .clang-format says."""
import re
import shutil
import subprocess

import pytest
from source import ROOT, c_files


@pytest.mark.skipif(not shutil.which('clang-format'), reason='clang-format is not installed')
def test_clang_format_would_change_nothing():
    done = subprocess.run(['clang-format', '--dry-run', *c_files('sidecar/', 'fcgi-bridge/', 'tests/')],
                          cwd=ROOT, capture_output=True, text=True)
    wrong = sorted(set(re.findall(r'^([^:]+):\d+:\d+: warning', done.stderr, re.MULTILINE)))
    assert done.returncode == 0 and not wrong, f'clang-format -i {" ".join(wrong)}'
