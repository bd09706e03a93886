# SPDX-License-Identifier: MIT
"""The rules that real browsers make for 103 Early Hints, each held against headless Chromium and
Firefox: what PHP was asked for and when, and what the page measured. Where it matters what is on the
wire, the h2 client repeats the fields that the browser itself had sent.

Every asset is PHP's, so that each request for it is in the log. The way to the browsers is 30 ms long:
Chromium loses a 103 that overtakes the end of its own sending, which happens on loopback only."""
import json
import time
from email.utils import formatdate

import pytest
from h2client import Client, links
from servers import ROOT, until
from stage import KEEP, THINK, page

STYLE = '<link rel=stylesheet href="{}">'
FONT = (ROOT / 'php-examples/site/assets/blocks.ttf').read_bytes()
PRELOAD = 'Link: <{}>; rel=preload; as=style'


@pytest.fixture
def play(stage, staged, browser):
    """play('name', ...): a page /BROWSER/name with one style /BROWSER/name.css; more assets by add()."""
    class Play:
        def __init__(self, name, link=PRELOAD, fields=(KEEP,), head='', outrider=None, more='undefined'):
            self.path = f'/{browser.name}/{name}'
            self.outrider = outrider or staged()
            self.assets, self.links, self.head, self.more = [], [], head, more
            self.style = self.add(f'{name}.css', link, fields)

        def add(self, name, link=PRELOAD, fields=(KEEP,), body='body { color: rgb(1, 2, 3) }', use=STYLE):
            path = stage.add(f'/{browser.name}/{name}', body, fields)
            self.assets.append(path)
            self.links.append(link.format(path))
            self.head += use.format(path)
            self.set(self.links)
            return path

        def set(self, fields):
            stage.add(self.path, page(self.head, more=self.more), fields, think=THINK)

        def teach(self):
            """One visitor was there before."""
            stage.teach(self.outrider, self.path, [
                ('no-cors' if asset.endswith('css') else 'cors', asset) for asset in self.assets])
            return self

        def forget_links(self):
            """The page has no Link fields any more: what browsers do about those of a final response is
            another matter."""
            self.set([])
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

        def asked_late(self, path=None):
            """Whether it was asked for once only, and after the page was answered."""
            asked = self.asked(path)
            return len(asked) == 1 and asked[0] > self.answered()

        def on_the_wire(self, path=None):
            """What the h2 client gets with the fields that the browser sent for the page."""
            fields = stage.log(self.path, since=self.since)[0]['fields']
            with Client(self.outrider.tls_port) as client:
                return client.get(path or self.path, headers=[
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
    assert scene.asked_late()


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
    for other in (frame, data, prefetched):
        assert scene.on_the_wire(other.path).hints, 'a navigation to the same page gets one'


def test_exactly_one_103_is_sent_where_the_application_sends_its_own(play, stage, staged, browser):
    outrider = staged(pool=stage.prompter)
    scene = play('own103', outrider=outrider)
    late = [stage.add(f'/{browser.name}/late{n}.css', '', [KEEP]) for n in range(3)]
    scene.teach()
    stage.prompter.lines[scene.path] = [(0.1, f'<{path}>; rel=preload; as=style') for path in late]
    report = scene.visit()
    assert report.got_103 and scene.asked_early() and report.used_early(scene.style)
    answer = scene.on_the_wire()
    assert [status for _, status, _ in answer.interims] == [103] and answer.status == 200
    assert scene.style in str(answer.interims) and late[0] not in str(answer.interims)


def test_the_first_of_the_applications_own_103_is_the_one_where_nothing_is_known(play, stage, staged, browser):
    scene = play('first103', link='X-No-Link: {}', outrider=staged(pool=stage.prompter, hints='learn = {}'))
    late = [stage.add(f'/{browser.name}/after{n}.css', '', [KEEP]) for n in range(2)]
    stage.prompter.lines[scene.path] = [(0.1, f'<{path}>; rel=preload; as=style') for path in (scene.style, *late)]
    report = scene.visit()
    assert report.got_103 and scene.asked_early() and report.used_early(scene.style)
    answer = scene.on_the_wire()
    assert len(answer.hints) == 1 and answer.status == 200 and scene.style in str(answer.interims)


def test_http1_gets_no_103(play):
    scene = play('http1').teach()
    report = scene.visit(clear=True)
    assert report.protocol == 'http/1.1' and not report.interim
    assert scene.asked_late()
    assert scene.visit().got_103, 'over HTTP/2 it gets one'


def test_http1_gets_a_103_by_choice_where_the_browser_acts_on_it(play, staged, browser):
    scene = play('chosen', outrider=staged(hints='http1 = true')).teach()
    report = scene.visit(clear=True)
    acts = browser.name == 'firefox'
    assert report.protocol == 'http/1.1' and report.got_103 == acts
    assert scene.asked_early() if acts else scene.asked_late()


def test_parameters_a_browser_would_refuse_are_left_out_and_the_hint_works(play):
    refused = ['nopush', 'title="a, b"', 'foo=bar; x-y="a, b; c"', 'referrerpolicy=no-referrer', 'nonce=abc',
               'blocking=render']
    scene = play('refused')
    styles = [scene.add(f'refused{n}.css', f'{PRELOAD}; {more}') for n, more in enumerate(refused)]
    report = scene.teach().visit()
    for style, more in zip(styles, refused):
        assert scene.asked_early(style) and report.used_early(style), more


def test_a_link_with_media_is_not_hinted_and_the_page_is_not_held_up(play):
    scene = play('media')
    for media in ('print', '(max-width:1px)', 'all'):
        scene.add(f'media{len(scene.assets)}.css', f'{PRELOAD}; media="{media}"',
                  use=f'<link rel=stylesheet media="{media}" href="{{}}">')
    report = scene.teach().forget_links().visit()
    assert report.got_103 and report.loaded < 3000
    for style in scene.assets[1:3]:
        assert scene.asked_late(style), style
    assert len(scene.asked(scene.assets[3])) == 1


def test_fonts_are_hinted_with_a_bare_crossorigin_and_used(play):
    scene = play('font')
    font = scene.add('font.ttf', 'Link: <{}>; rel=preload; as=font; crossorigin=""', body=FONT, use=(
        '<style>@font-face {{ font-family: own; src: url({}) }} p {{ font-family: own }}</style>'))
    report = scene.teach().visit()
    assert scene.asked_early(font) and report.used_early(font)
    (field,) = [value for name, value in scene.on_the_wire().hints[0][2] if name == 'link']
    assert f'<{font}>; rel=preload; as=font; crossorigin' in field.split(', ')


def hints_of(scene):
    """What the admin endpoint says of each asset of the page."""
    status, body = scene.outrider.ask_admin(f'/routes?route={scene.path}')
    assert status == 200
    return {hint['link'][1:hint['link'].index('>')]: hint
            for route in json.loads(body)['routes'] for hint in route['hints']}


def http_date(days):
    return formatdate(time.time() + days * 86400, usegmt=True)


KEPT = {    # what a browser keeps until the page asks
    'max-age': [KEEP],
    'private': ['Cache-Control: private, max-age=600'],
    'immutable': ['Cache-Control: max-age=600, immutable'],
    'expires': [f'Expires: {http_date(1)}'],
    'last-modified': [f'Last-Modified: {http_date(-400)}'],
    'vary-accept-encoding': [KEEP, 'Vary: Accept-Encoding'],
    'vary-origin-style': [KEEP, 'Vary: Origin'],
}
LOST = {    # what Chromium would fetch twice, why, and the field to blame
    'no-store': (['Cache-Control: no-store'], 'no_store', 'cache-control'),
    'no-cache': (['Cache-Control: no-cache'], 'no_cache', 'cache-control'),
    'no-cache-etag': (['Cache-Control: no-cache', 'ETag: "a"'], 'no_cache', 'cache-control'),
    'zero': (['Cache-Control: max-age=0'], 'max_age_zero', 'cache-control'),
    'stale': (['Cache-Control: max-age=0, stale-while-revalidate=30'], 'max_age_zero', 'cache-control'),
    'nothing': ([], 'no_freshness', 'cache-control'),
    'etag': (['ETag: "a"'], 'no_freshness', 'cache-control'),
    'expired': ([f'Expires: {http_date(-1)}'], 'expired', 'expires'),
    'vary-any': ([KEEP, 'Vary: *'], 'vary_any', 'vary'),
    'vary-hints': ([KEEP, 'Vary: Sec-CH-UA-Platform'], 'vary_client_hints', 'vary'),
    'vary-origin-module': ([KEEP, 'Vary: Origin'], 'vary_origin', 'vary'),
}


def test_what_cannot_be_kept_is_not_hinted_and_nothing_is_fetched_twice(play):
    scene = play('keeping')
    kept = {name: scene.add(f'{name}.css', fields=fields) for name, fields in KEPT.items()}
    lost = {}
    for name, (fields, _, _) in LOST.items():
        if name.endswith('module'):
            lost[name] = scene.add(f'{name}.js', 'Link: <{}>; rel=modulepreload', fields, 'window.ran = true',
                                   '<script type=module src="{}"></script>')
        else:
            lost[name] = scene.add(f'{name}.css', fields=fields)
    report = scene.teach().forget_links().visit()
    for name, path in kept.items():
        assert scene.asked_early(path) and report.used_early(path), name
    for name, path in lost.items():
        assert scene.asked_late(path), name
    hints = hints_of(scene)
    for name, path in kept.items():
        assert hints[path]['verdict'] == 'hinted', name
    for name, path in lost.items():
        said = hints[path]
        assert (said['verdict'], said['reuse'], said['field']) == ('not_reusable', *LOST[name][1:]), name


def test_forty_links_are_one_field_and_each_is_requested_once(play):
    scene = play('forty')
    for n in range(40):
        scene.add(f'one-of-{n}.css')
    report = scene.teach().visit()
    (_, _, fields), = scene.on_the_wire().interims
    assert [name for name, _ in fields] == [':status', 'link']
    assert {target for target, _ in links(fields)} == set(scene.assets)
    assert sum(len(name) + len(value) for name, value in fields) < 4096
    for style in scene.assets:
        assert scene.asked_early(style) and report.used_early(style), style


def test_browsers_are_not_pushed_to_and_others_that_allow_it_are(play, staged, connect):
    outrider = staged(hints='mode = push')
    scene = play('push', outrider=outrider).teach()
    report = scene.visit()
    assert report.protocol == 'h2' and report.got_103 and scene.asked_early()
    assert scene.visit().protocol == 'h2', 'a promise would have ended the connection'
    pushes = connect(outrider, push=True).navigate(scene.path).pushes
    assert [push.path for push in pushes] == [scene.style]


def test_a_redirecting_page_gets_no_103_and_the_one_it_leads_to_does(play, stage, browser):
    scene = play('new').teach()
    old = stage.add(f'/{browser.name}/old', 'moved', [f'Location: {scene.path}', *scene.links], status=302, think=50)
    for _ in range(3):
        stage.teach(scene.outrider, old)
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


def test_what_a_hint_made_a_browser_fetch_is_no_evidence_that_it_is_needed(play, stage, staged, browser):
    """Two pages have their script ask for a style, which only the request gives away. Of the one it is
    hinted, so that the browser asks for it in any case: the other's is evidence, this one's is none."""
    told = f'/{browser.name}/told-late.css'
    outrider = staged(site=f'route "/{browser.name}/told" {{ hint = {{ "<{told}>; rel=preload; as=style" }} }}')
    insert = """(() => {{ const link = document.createElement('link');
        document.head.append(Object.assign(link, {{ rel: 'stylesheet', href: '{}' }})); }})()"""
    scenes = []
    for name in ('told', 'untold'):
        scene = play(name, outrider=outrider, more=insert.format(f'/{browser.name}/{name}-late.css'))
        scene.late = scene.add(f'{name}-late.css', use='')
        scene.forget_links()
        scene.visit()
        early = scene.asked_early(scene.late)
        assert early == (name == 'told') and len(scene.asked(scene.late)) == 1
        (asked,) = [entry['fields'] for entry in stage.log(scene.late, since=scene.since)]
        marked = asked.get('x-moz') == 'early hint' if browser.name == 'firefox' else 'sec-ch-ua' not in asked
        assert marked == early
        scenes.append(scene)
    until(lambda: scenes[1].late in hints_of(scenes[1]), 20, 'the visit is never over')
    assert hints_of(scenes[1])[scenes[1].late]['sources'] == ['request']
    assert told not in hints_of(scenes[0])
