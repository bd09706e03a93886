# SPDX-License-Identifier: MIT
"""What `deny`, `deny-scripts` and `internal` close stays closed, whatever way leads there: an index
file, PATH_INFO, another case, a symbolic link."""
FOLDERS = {'wp-content/uploads/2024': 403, 'closed': 403, 'paid': 404}
WAYS = ['', 'evil.php', 'evil.php/', 'evil.php/x', 'evil.php/x.jpg', 'evil.PHP', 'evil.PHP/x', 'index.php/']
LINKS = {'run.php': 'closed/evil.php', 'open': 'closed', 'source.txt': 'page.php', 'env.txt': '.env',
         'list.txt': 'closed/list.txt', 'film.txt': 'paid/film.txt', 'near.css': 'assets/style.css'}
LED = {'/run.php': 403, '/run.php/x': 403, '/open/': 403, '/open/evil.php': 403, '/open/list.txt': 403,
       '/source.txt': 403, '/env.txt': 403, '/list.txt': 403, '/film.txt': 404, '/paid/film.txt': 404}


def test_what_is_closed_stays_closed(connect, make_outrider, fpm, site):
    for folder in FOLDERS:
        (site / folder).mkdir(parents=True)
        for name in ('evil.php', 'evil.PHP', 'index.php'):
            (site / folder / name).write_text("<?php echo 'this ', 'ran';")
    (site / 'closed/list.txt').write_text('the list')
    (site / 'paid/film.txt').write_text('the film')
    (site / '.env').write_text('the secret')
    for name, target in LINKS.items():
        (site / name).symlink_to(target)
    client = connect(make_outrider(fpm, site='deny = {"/closed/*"}\ninternal = {"/paid/*"}'))
    ways = {f'/{folder}/{way}': status for folder, status in FOLDERS.items() for way in WAYS}
    for path, status in (ways | LED).items():
        answer = client.get(path)
        assert answer.status == status, path
        assert not any(word in answer.body for word in (b'this ran', b'<?php', b'the ')), path
    assert client.get('/near.css').body == (site / 'assets/style.css').read_bytes()
