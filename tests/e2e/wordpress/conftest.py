# SPDX-License-Identifier: MIT
"""Fixtures: one truth of the WordPress for the whole run, and Outriders before it."""
import asyncio
import shutil
import time

import pytest
from servers import Outrider

from wordpress.site import FONTS, HOST, THEMES
from wordpress.truth import collect
from wordpress.urls import URLS

# The pages that are looked at in the theme with fonts.
FONT_URLS = ['/about/', '/2024/03/post-5/']

CONFIG = '''
workers = 1
listen "https://127.0.0.1:0" {{}}
pool "php" {{ servers = {{ "{fastcgi}" }} }}
site "{host}" {{
    root = "{root}"
    front-controller = "/index.php"
    pool = "php"
    params = {{ "WP_THEME={theme}" }}
    {site}
    hints {{
        {hints}
    }}
}}
admin {{ listen = "unix:{admin}" }}
'''

# Whatever is there to learn is learned and hinted at once, for that is what is measured.
LEARNING = '''mode = hint
        min-think = 0ms
        holdback = 0%
        learn = { "link", "html", "css", "request" }'''


# A visit is over when nothing was asked for during three seconds (VISIT_IDLE_US), and told soon after.
VISIT_OVER = 4.0


def without_figures(value):
    """JSON in which all numbers are the same."""
    if isinstance(value, dict):
        return {key: without_figures(of) for key, of in value.items()}
    if isinstance(value, list):
        return [without_figures(of) for of in value]
    return 0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class Front(Outrider):
    """Outrider before the WordPress, which it shows in one theme."""

    def __init__(self, folder, wordpress, theme, hints=LEARNING,
                 site='debug-field = true'):
        folder.mkdir(parents=True)
        super().__init__(folder, config=CONFIG.format(
            fastcgi=wordpress.fastcgi, root=wordpress.root, host=HOST, theme=theme, hints=hints, site=site,
            admin=folder / 'admin.sock'))

    def settle(self, visits=False, still=0.5, timeout=20):
        """Until nothing more is learned from the pages that were seen, and with `visits` from what
        was asked for after them, too: what /routes tells, but for its figures, stands still."""
        if visits:
            time.sleep(VISIT_OVER)
        end = time.monotonic() + timeout
        last, since = None, 0.0
        while last is None or time.monotonic() - since < still:
            now = without_figures(self.routes())
            if now != last:
                last, since = now, time.monotonic()
            assert time.monotonic() < end, 'learning never ends'
            time.sleep(0.05)


@pytest.fixture(scope='session')
def truth(wordpress, tmp_path_factory):
    """{theme: {url: Truth}}."""
    folder = tmp_path_factory.mktemp('truth')
    fronts = {}
    try:
        for theme in (*THEMES, FONTS):
            fronts[theme] = Front(folder / theme, wordpress, theme, hints='mode = off')
        urls = {theme: URLS for theme in THEMES} | {FONTS: FONT_URLS}
        found = asyncio.run(collect(folder / 'chromium', fronts, urls))
    finally:
        for front in fronts.values():
            front.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return found


@pytest.fixture(scope='module')
def front(wordpress, tmp_path_factory):
    """front(theme): an Outrider that has seen nothing yet."""
    made = []
    folder = tmp_path_factory.mktemp('front')

    def make(theme, **options):
        made.append(Front(folder / str(len(made)), wordpress, theme, **options))
        return made[-1]

    yield make
    for outrider in made:
        outrider.stop()


@pytest.fixture
def show(capsys):
    """Prints a table also when the test passes."""
    def write(text):
        with capsys.disabled():
            print(text, flush=True)
    return write
