# SPDX-License-Identifier: MIT
"""A process without descriptors: files are still sent, or it is said that they cannot be now; never
that they are forbidden or not there."""
import os
import resource


def test_files_without_descriptors(connect, make_outrider, site):
    (site / 'new.txt').write_text('new')
    for i in range(3):
        (site / f'large{i}.bin').write_bytes(bytes(200_000))
    outrider = make_outrider(workers=1)
    client = connect(outrider)
    assert client.get('/assets/style.css').status == 200
    held = len(os.listdir(f'/proc/{outrider.pid}/fd'))
    resource.prlimit(outrider.pid, resource.RLIMIT_NOFILE, (held, held))
    small, missing, large = (client.get(path).status for path in ('/new.txt', '/none.txt', '/large1.bin'))
    assert (small, missing) == (200, 404)
    assert large in (200, 503)
    more = [client.get(f'/large{i}.bin').status for i in range(3)]
    assert set(more) <= {200, 503}
