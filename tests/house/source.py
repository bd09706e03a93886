# SPDX-License-Identifier: MIT
"""The project's own files, as the house tests read them."""
import functools
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Comments, string and character literals of C.
NO_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


@functools.lru_cache(None)
def listed():
    """Paths of the files that belong to the project, relative to its root: those git knows, and
    those that are new and not ignored. Without git (an unpacked archive), everything."""
    try:
        out = subprocess.run(
            ['git', '-c', f'safe.directory={ROOT}', 'ls-files', '-z', '--cached', '--others',
             '--exclude-standard'],
            cwd=ROOT, check=True, capture_output=True, text=True).stdout
        names = [name for name in out.split('\0') if name]
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob('*') if path.is_file()]
        names = [n for n in names if not n.startswith(('build/', '.git/')) and '__pycache__' not in n]
    return sorted(name for name in names if (ROOT / name).is_file())


@functools.lru_cache(None)
def text(name):
    return (ROOT / name).read_text(encoding='utf-8')


def c_files(*roots):
    return [n for n in listed() if n.endswith(('.c', '.h')) and n.startswith(roots)]


def folder(name):
    return name.rsplit('/', 1)[0] if '/' in name else ''


def without_comments(code):
    """The code with comments blanked, lines kept; strings stay."""
    def blank(match):
        found = match[0]
        return found if found[0] in '"\'' else re.sub(r'[^\n]', ' ', found)
    return NO_CODE.sub(blank, code)


def bare(code):
    """The code with comments and the insides of literals blanked, lines kept."""
    def blank(match):
        found = match[0]
        if found[0] in '"\'':
            return found[0] + ' ' * (len(found) - 2) + found[0]
        return re.sub(r'[^\n]', ' ', found)
    return NO_CODE.sub(blank, code)


def includes(name):
    """(line, path, is_system) of every #include."""
    found = []
    for number, line in enumerate(without_comments(text(name)).split('\n'), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            found.append((number, match[2], match[1] == '<'))
    return found


def function_body(name, function):
    """The text between the braces of the function's definition in the file; None if there is none.
    Definitions start in the first column, as clang-format leaves them."""
    whole, code = text(name), bare(text(name))
    for match in re.finditer(r'^(?![\s#}/])[^;{}#=]*\b' + re.escape(function) + r'\s*\([^;{}]*\)\s*\{',
                             code, re.MULTILINE):
        depth, start = 0, match.end() - 1
        for at in range(start, len(code)):
            depth += {'{': 1, '}': -1}.get(code[at], 0)
            if depth == 0:
                return whole[start + 1:at]
    return None
