# SPDX-License-Identifier: MIT
"""Files are short: one that grows beyond the bound has a seam along which it is to be cut. Tests are
free of it, since their tables are read row by row."""
from source import c_files, listed, text

LINES_MOST = 450


def test_no_source_file_is_too_long():
    tables = [name for name in listed() if name.endswith('.def')]
    lines = {name: text(name).count('\n') for name in c_files('sidecar/', 'fcgi-bridge/') + tables}
    assert not {name: n for name, n in lines.items() if n > LINES_MOST}
