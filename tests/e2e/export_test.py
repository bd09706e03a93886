# SPDX-License-Identifier: MIT
"""What one Outrider has learned, another one knows after export and import; and what the admin
endpoint takes from whom."""
import http.client
import json
import socket
import time

import pytest
from store_test import MANY, PACE_S, command, hinted, learn, store
from servers import until


def post(outrider, path, body, headers=None):
    """POST on the admin socket; gives (status, body)."""
    client = http.client.HTTPConnection('localhost', timeout=10)
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.connect(outrider.admin)
    try:
        client.request('POST', path, body, {'Content-Type': 'application/json', **(headers or {})})
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


def plans(outrider):
    return {(r['site'], r['audience'], r['route']): r['links'] for r in outrider.routes()}


@pytest.fixture
def many(make_outrider, fpm, site):
    (site / 'many.php').write_text(MANY)

    def make(**options):
        return make_outrider(fpm, front_controller='/many.php', **options)
    return make


def test_another_one_goes_on_where_the_first_was(connect, many, tmp_path):
    first, second = many(), many()
    for path in ('/a/', '/a/b/', '/c/?p=3', '/caf%C3%A9/'):
        learn(connect, first, path)
    file = tmp_path / 'export.json'
    file.write_text(command(first, 'export'))
    document = json.loads(file.read_text())
    assert document['outrider'] == 'export' and document['version'] == 1
    assert not second.routes()
    told = command(second, 'import', str(file))
    assert f'{len(document["routes"])} routes imported, 0 refused' in told
    assert {(r['site'], r['audience'], r['route']) for r in document['routes']} == set(plans(first))
    assert plans(second) == plans(first)
    client = connect(second)
    known = hinted(connect(first), '/a/b/')
    until(lambda: known and hinted(client, '/a/b/') == known, 5, 'the workers do not know it')
    # What is imported again changes nothing.
    command(second, 'import', str(file))
    assert plans(second) == plans(first)
    assert json.loads(command(second, 'export'))['routes']


def test_what_is_imported_is_kept_like_what_is_learned(connect, many, tmp_path):
    first, kept = many(), store(tmp_path / 'learned.db')
    learn(connect, first, '/a/')
    file = tmp_path / 'export.json'
    file.write_text(command(first, 'export'))
    second = many(top=kept)
    command(second, 'import', str(file))
    second.stop()
    assert plans(many(top=kept)) == plans(first)


def test_a_large_export_goes_in_pieces(connect, many, tmp_path):
    first, second = many(), many()
    client = connect(first, tls=False)
    for number in range(1200):
        client.navigate(f'/{number}/')
        time.sleep(PACE_S)
    until(lambda: b'"/1199/"' in first.ask_admin('/routes?route=/1199/')[1], 5, 'not learned')
    status, body = first.ask_admin('/routes?limit=100')
    page = json.loads(body)
    assert status == 200 and len(page['routes']) == 100 and page['truncated']
    behind = json.loads(first.ask_admin(f'/routes?limit=100&after={page["next"]}')[1])
    assert not {r['route'] for r in behind['routes']} & {r['route'] for r in page['routes']}
    assert first.ask_admin('/routes?after=00ff')[0] == 410

    file = tmp_path / 'export.json'
    file.write_text(command(first, 'export'))
    exported = {(r['route'], r['audience']) for r in json.loads(file.read_text())['routes']}
    assert {(f'/{number}/', 'public') for number in range(1200)} <= exported
    command(second, 'import', str(file))
    text = command(second, 'routes')
    assert sum(line.startswith('localhost/') for line in text.split('\n')) == len(exported)


def test_the_text_says_what_is_hinted_and_why_the_rest_is_not(connect, many):
    outrider = many()
    learn(connect, outrider, '/a/')
    text = command(outrider, 'routes', '--site', 'localhost', '--route', '/a/')
    lines = text.split('\n')
    assert lines[0].startswith('localhost/a/  public, hinting, seen ')
    assert any(line.split()[:3] == ['hinted', 'need', '1.00'] for line in lines)
    assert 'nothing has been learned' in command(outrider, 'routes', '--site', 'other')
    (route,) = [r for r in outrider.routes() if r['route'] == '/a/']
    assert {'link', 'sources', 'need', 'need_low', 'worth_ms', 'waste_bytes', 'voters', 'verdict',
            'reason'} <= set(route['hints'][0])
    assert route['outcome']['hinted']['n'] >= 0 and route['state'] == 'hinting'


@pytest.mark.parametrize('body, status', [
    ('', 400), ('[]', 400), ('{}', 400), ('{"outrider":"export"}', 400), ('{"outrider":', 400),
    ('{"outrider":"export","version":2,"routes":[]}', 400),
    ('{"outrider":"export","version":1,"routes":[]}', 200),
    ('{"outrider":"export","version":1,"routes":[{}, 1, null, {"site":"localhost"}]}', 200),
])
def test_what_is_no_export_is_refused(many, body, status):
    outrider = many()
    assert post(outrider, '/import', body)[0] == status
    assert not outrider.routes()


def test_hostile_records_are_refused_one_by_one(connect, many):
    first, second = many(), many()
    learn(connect, first, '/a/')
    document = json.loads(command(first, 'export'))
    good = next(r for r in document['routes'] if r['route'] == '/a/')

    def changed(**members):
        return {**good, **members}
    evil = 'https://evil.example/x.js'
    records = [
        changed(site='other.example'), changed(route='/a/\r\nx'), changed(route='a'), changed(seen=-1),
        changed(audience='all'), changed(think_us=1 << 40), changed(seen='1'),
        changed(hinted={'n': -1, 'mean_us': 0, 'variance': 0}),
        changed(route='/evil/', assets=[{**good['assets'][0],
                                         'link': f'<{evil}>; rel=preload; as=script'}]),
    ]
    status, body = post(second, '/import', json.dumps({**document, 'routes': records + [good]}))
    answer = json.loads(body)
    assert status == 200 and answer == {'imported': 2, 'refused': 8}
    assert plans(second)[('localhost', 'public', '/a/')] == good_links(first)
    assert plans(second)[('localhost', 'public', '/evil/')] == []


def good_links(outrider):
    return plans(outrider)[('localhost', 'public', '/a/')]


def test_who_may_change_something(connect, many):
    outrider = many()
    learn(connect, outrider, '/a/')
    before = plans(outrider)
    for headers, status in (({'Content-Type': 'text/plain'}, 415), ({'Content-Type': ''}, 415),
                            ({'Origin': 'https://evil.example'}, 403), ({'Origin': 'null'}, 403)):
        assert post(outrider, '/clear', '{}', headers)[0] == status, headers
    for path in ('/clear', '/forget', '/import'):
        assert outrider.ask_admin(path)[0] == 405
    for body in ('', '[]', '{"sites":"localhost"}', '{"site":""}', '{"site":7}'):
        assert post(outrider, '/clear', body)[0] == 400, body
    for body in ('{}', '{"site":"localhost"}', '{"site":"localhost","route":"a"}'):
        assert post(outrider, '/forget', body)[0] == 400, body
    assert post(outrider, '/routes', '{}')[0] == 405
    assert plans(outrider) == before
    assert json.loads(post(outrider, '/clear', '{}')[1])['forgotten'] > 0


def test_a_body_has_a_limit(many):
    outrider = many()
    assert post(outrider, '/import', b' ' * (4 << 20))[0] == 400
    try:
        assert post(outrider, '/import', b' ' * (5 << 20))[0] == 413
    except (BrokenPipeError, ConnectionResetError):
        pass    # it did not listen to the end
    assert outrider.ask_admin('/health')[0] == 200
