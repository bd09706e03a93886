# SPDX-License-Identifier: MIT
"""A process without descriptors: files are still sent, or it is said that they cannot be now; never
that they are forbidden or not there. That no backend can be connected to is not the backend's fault."""
import os
import resource

import pytest
from faults_test import errors, misbehaving, start  # noqa: F401
from h2client import Client


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


@pytest.mark.parametrize('tcp', [False, True], ids=['unix', 'tcp'])
def test_backends_without_descriptors(start, misbehaving, tcp):     # noqa: F811
    outrider = start(misbehaving(tcp=tcp).address, pool='keepalive = 0')
    client = Client(outrider.clear_port, tls=False)
    assert client.get('/x.php?plain').status == 200
    spare = resource.prlimit(outrider.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(outrider.pid, resource.RLIMIT_NOFILE, (3, spare[1]))
    answers = [client.get('/x.php?plain').status for _ in range(5)]
    resource.prlimit(outrider.pid, resource.RLIMIT_NOFILE, spare)
    assert answers == [503] * 5
    assert client.get('/x.php?plain').status == 200, 'the server was not counted as failed'
    assert errors(outrider) == {'backend_socket': 5}
    client.close()
