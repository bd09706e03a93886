# SPDX-License-Identifier: MIT
"""Nobody waits for who reads the error log, and one client can not fill it."""
import fcntl
import os
import re
import subprocess
import threading

from faults_test import CONFIG, metrics
from h2client import Client
from servers import BINARY, Outrider, until

REQUESTS = 300


class Piped:
    """An Outrider whose standard error is a small pipe, read only when the test wants."""

    def __init__(self, folder):
        self.admin = str(folder / 'a.sock')
        path = folder / 'outrider.conf'
        path.write_text(CONFIG.format(servers=f'"unix:{folder}/nobody"', pool='max-fails = 1000', site='',
                                      root=folder, workers=1, admin=self.admin, check='false',
                                      scripts='".php"', top=''))
        self.reads, writes = os.pipe()
        fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
        self.process = subprocess.Popen([BINARY, 'run', '--config', str(path)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=writes)
        os.close(writes)
        self.log = ''
        while 'info ready' not in self.log:
            self.read()
        self.clear_port = int(re.search(r'listening on http://\S*?:(\d+)', self.log)[1])

    def read(self):
        piece = os.read(self.reads, 65536).decode(errors='replace')
        self.log += piece
        return piece

    def ask_admin(self, path):
        return Outrider.ask_admin(self, path)

    def stop(self):
        """Reads to the end, while it ends."""
        self.process.terminate()
        while self.read():
            pass
        os.close(self.reads)
        return self.process.wait(10)


def test_a_full_pipe_stops_nobody_and_lines_of_one_kind_are_bounded(tmp_path):
    outrider = Piped(tmp_path)
    try:
        with Client(outrider.clear_port, tls=False) as client:
            for _ in range(REQUESTS // 100):
                client.wait(*(asked := [client.request('/x.php') for _ in range(100)]), timeout=10)
                assert {e.status for e in asked} == {502}
        assert outrider.ask_admin('/health')[0] == 200
        until(lambda: metrics(outrider)['log_lines_spared_total'] > 0, 5, 'all lines are written')
        assert metrics(outrider)['log_lines_lost_total'] == 0       # there was room for these to wait
    finally:
        timer = threading.Timer(20, outrider.process.kill)
        timer.start()
        status = outrider.stop()
        timer.cancel()
    assert status == 0
    written = len(re.findall(r'^\S+ \w+ GET localhost', outrider.log, re.MULTILINE))
    spared = sum(map(int, re.findall(r' (\d+) more lines in a second like: GET localhost', outrider.log)))
    assert spared > 0 and written + spared in (REQUESTS, 2 * REQUESTS), outrider.log[-1500:]
    assert 'info stopped; 0 requests cut\n' in outrider.log      # what was spared in its second is told behind it
