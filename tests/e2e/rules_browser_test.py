# SPDX-License-Identifier: MIT
"""The rules that real browsers make for 103 Early Hints, each held against headless Chromium and
Firefox: what PHP was asked for and when, and what the page measured. Where it matters what is on the
wire, the h2 client repeats the fields that the browser itself had sent.

Every asset is PHP's, so that each request for it is in the log. The way to the browsers is 30 ms long:
Chromium loses a 103 that overtakes the end of its own sending, which happens on loopback only."""
import time

import pytest
from h2client import links
from stage import KEEP, THINK, page

STYLE = '<link rel=stylesheet href={}>'
PRELOAD = 'Link: <{}>; rel=preload; as=style'


@pytest.fixture
def play(stage, staged, browser, connect):
    """play('name', ...): a page /name with one style /name.css, taught and ready for the browser."""
    class Play:
        def __init__(self, name, link=PRELOAD, fields=(KEEP,), head='', outrider=None, more='undefined', **rest):
            self.path, self.style = f'/{browser.name}/{name}', f'/{browser.name}/{name}.css'
            self.outrider = outrider or staged()
            stage.add(self.style, 'body { color: rgb(1, 2, 3) }', fields)
            stage.add(self.path, page(STYLE.format(self.style) + head, more=more), [link.format(self.style)],
                      think=THINK, **rest)
            self.client = connect(self.outrider)

        def teach(self):
            stage.teach(self.client, self.path, [self.style])
            return self

        def visit(self, clear=False, path=None):
            self.since = time.time()
            port = self.outrider.near_clear if clear else self.outrider.near
            return browser.visit(f'http{"" if clear else "s"}://localhost:{port}{path or self.path}')

        def asked(self, path=None):
            """When the style, or another, was asked for since the visit began."""
            return [entry['t'] for entry in stage.log(path or self.style, since=self.since)]

        def answered(self):
            return stage.log(self.path, 'answered', self.since)[0]['t']

        def asked_early(self, path=None):
            """Whether it was asked for once only, and before the page was answered."""
            asked = self.asked(path)
            return len(asked) == 1 and asked[0] < self.answered()

        def on_the_wire(self, path=None):
            """What the h2 client gets with the fields that the browser sent."""
            fields = stage.log(self.path, since=self.since)[0]['fields']
            return self.client.get(path or self.path, headers=[
                (name, value) for name, value in fields.items() if name != 'host'])
    return Play


def test_the_hinted_style_is_requested_while_the_page_is_made_and_used_once(play):
    """What all of the following are about."""
    scene = play('basic', more='getComputedStyle(document.body).color').teach()
    report = scene.visit()
    assert report.protocol == 'h2' and report.got_103
    assert scene.asked_early() and report.used_early(scene.style)
    assert report.more == 'rgb(1, 2, 3)'


def test_without_a_hint_the_style_is_requested_after_the_page(play, staged):
    """So that the one above could fail."""
    scene = play('unhinted', outrider=staged(hints='mode = observe')).teach()
    report = scene.visit()
    assert not report.interim and not report.used_early(scene.style)
    assert len(scene.asked()) == 1 and scene.asked()[0] > scene.answered()


def test_only_navigations_get_a_103(play, stage, browser):
    name = browser.name
    frame, data, prefetched = (play(what).teach() for what in ('frame', 'data', 'prefetched'))
    scene = play('only', head=f'<link rel=prefetch href=/{name}/prefetched>', more=f'''(async () => {{
        const document = await fetch('/{name}/data');
        const frame = Object.assign(window.document.createElement('iframe'), {{ src: '/{name}/frame' }});
        window.document.body.append(frame);
        await new Promise(done => frame.onload = done);
        const [entry] = frame.contentWindow.performance.getEntriesByType('navigation');
        return {{ status: document.status, framed: entry.firstInterimResponseStart }};
    }})()''').teach()
    report = scene.visit()
    assert report.got_103 and report.said[0] == 'send'
    assert report.more == {'status': 200, 'framed': 0}
    for entry in report.assets:
        assert not entry['interim'] or entry['initiator'] == 'early-hints', entry
        assert 'send' not in entry['said'], entry
    fetched = {entry['path'] for entry in report.assets}
    assert {data.path, scene.style} <= fetched
    prefetched.since = scene.since
    assert not prefetched.on_the_wire().interims
    for other in (frame, data):
        assert other.visit().got_103, 'a navigation to the same page gets one'


def test_exactly_one_103_is_sent_where_the_application_sends_its_own(play, stage, staged, browser):
    outrider = staged(pool=stage.prompter)
    scene = play('own103', outrider=outrider)
    late = [stage.add(f'/{browser.name}/late{n}.css', 'p {}', [KEEP]) for n in range(3)]
    scene.teach()
    stage.prompter.lines[scene.path] = [(0.1, f'<{path}>; rel=preload; as=style') for path in late]
    report = scene.visit()
    assert report.got_103 and scene.asked_early() and report.used_early(scene.style)
    answer = scene.on_the_wire()
    assert [status for _, status, _ in answer.interims] == [103] and answer.status == 200
    assert scene.style in str(answer.interims) and late[0] not in str(answer.interims)


def test_the_first_of_the_applications_own_103_is_the_one_where_nothing_is_known(play, stage, staged, browser):
    scene = play('first103', link='X-No-Link: {}', outrider=staged(pool=stage.prompter, hints='mode = hint learn = {}'))
    late = [stage.add(f'/{browser.name}/after{n}.css', 'p {}', [KEEP]) for n in range(2)]
    stage.prompter.lines[scene.path] = [(0.1, f'<{path}>; rel=preload; as=style') for path in (scene.style, *late)]
    report = scene.visit()
    assert report.got_103 and scene.asked_early() and report.used_early(scene.style)
    answer = scene.on_the_wire()
    assert len(answer.hints) == 1 and answer.status == 200 and scene.style in str(answer.interims)


def test_http1_gets_no_103(play):
    scene = play('http1').teach()
    report = scene.visit(clear=True)
    assert report.protocol == 'http/1.1' and not report.interim
    assert len(scene.asked()) == 1 and scene.asked()[0] > scene.answered()
    assert scene.visit().got_103, 'over HTTP/2 it gets one'


def test_parameters_a_browser_would_refuse_are_left_out_and_the_hint_works(play, stage, browser):
    refused = ['nopush', 'title="a, b"', 'foo=bar; x-y="a, b; c"', 'referrerpolicy=no-referrer', 'nonce=abc',
               'blocking=render']
    styles = [stage.add(f'/{browser.name}/refused{n}.css', 'p {}', [KEEP]) for n in range(len(refused))]
    scene = play('refused', head=''.join(map(STYLE.format, styles)), link=', '.join(
        [PRELOAD, *(f'<{style}>; rel=preload; as=style; {more}' for style, more in zip(styles, refused))]))
    stage.teach(scene.client, scene.path, [scene.style, *styles])
    report = scene.visit()
    for style, more in zip(styles, refused):
        assert scene.asked_early(style) and report.used_early(style), more


def test_forty_links_are_one_field_and_each_is_requested_once(play, stage, browser):
    styles = [stage.add(f'/{browser.name}/one-of-{n}.css', 'p {}', [KEEP]) for n in range(40)]
    scene = play('forty', link=', '.join([PRELOAD, *(f'<{style}>; rel=preload; as=style' for style in styles)]),
                 head=''.join(map(STYLE.format, styles)))
    stage.teach(scene.client, scene.path, [scene.style, *styles])
    report = scene.visit()
    answer = scene.on_the_wire()
    (_, _, fields), = answer.interims
    assert [name for name, _ in fields] == [':status', 'link']
    assert {target for target, _ in links(fields)} == {scene.style, *styles}
    assert sum(len(name) + len(value) for name, value in fields) < 8192
    for style in styles:
        assert scene.asked_early(style) and report.used_early(style), style


def test_browsers_are_not_pushed_to_and_others_that_allow_it_are(play, staged, connect):
    outrider = staged(hints='mode = push')
    scene = play('push', outrider=outrider).teach()
    for _ in range(2):      # a promise would have ended the connection
        report = scene.visit()
        assert report.protocol == 'h2' and report.got_103
    pushes = connect(outrider, push=True).navigate(scene.path).pushes
    assert [push.path for push in pushes] == [scene.style]


def test_a_redirecting_page_gets_no_103_and_the_one_it_leads_to_does(play, stage, browser):
    scene = play('new').teach()
    old = stage.add(f'/{browser.name}/old', 'moved', [f'Location: {scene.path}'], status=302, think=50)
    for _ in range(3):
        stage.teach(scene.client, old)
    report = scene.visit(path=old)
    assert report.url.endswith(scene.path) and report.got_103
    assert scene.asked_early() and report.used_early(scene.style)
    assert not scene.on_the_wire(old).interims


def test_a_hard_reload_gets_no_103(play, browser):
    scene = play('reload').teach()
    assert scene.visit().got_103
    scene.since = time.time()
    report = browser.reload_hard()
    assert report.url.endswith(scene.path) and not report.interim and report.said[0] == 'reload'
    assert len(scene.asked()) <= 1 and all(at > scene.answered() for at in scene.asked())


def test_a_second_visit_requests_nothing_again(play):
    scene = play('again').teach()
    assert scene.visit().got_103 and len(scene.asked()) == 1
    scene.visit()
    assert scene.asked() == []
