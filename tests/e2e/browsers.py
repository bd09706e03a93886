# SPDX-License-Identifier: MIT
"""Headless Chromium and Firefox, each with a fresh profile, without a driver: the pages of the stage
report what the browser measured and are told where to go next.

A certificate that Chromium is told to trust by its key (--ignore-certificate-errors-spki-list) may be
cached, one whose errors it only ignores may not, and then hinted assets are fetched twice. Firefox is
given the authority in the NSS database of its profile."""
import fcntl
import json
import os
import select
import signal
import subprocess
from pathlib import Path

from servers import until

NAMES = ('chromium', 'firefox')
PREFERENCES = {
    'datareporting.policy.dataSubmissionEnabled': 'false', 'browser.aboutwelcome.enabled': 'false',
    'browser.shell.checkDefaultBrowser': 'false', 'network.captive-portal-service.enabled': 'false',
    'network.connectivity-service.enabled': 'false', 'app.normandy.enabled': 'false',
    'privacy.reduceTimerPrecision': 'false', 'browser.startup.homepage_override.mstone': '"ignore"',
    'termsofuse.bypassNotification': 'true',
}


def chromium(folder, stage):
    return ['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update', '--disable-sync',
            '--disable-dev-shm-usage', f'--user-data-dir={folder}',
            f'--ignore-certificate-errors-spki-list={stage.pin}', '--remote-debugging-pipe']


def firefox(folder, stage):
    database = ['certutil', '-d', f'sql:{folder}']
    subprocess.run([*database, '-N', '--empty-password'], check=True)
    subprocess.run([*database, '-A', '-t', 'C,,', '-n', 'stage', '-i', str(stage.folder / 'ca.pem')], check=True)
    (folder / 'user.js').write_text(''.join(
        f'user_pref("{name}",{value});\n' for name, value in PREFERENCES.items()))
    return ['firefox-esr', '--headless', '--no-remote', '--profile', str(folder)]


class Report:
    """What the page told of itself. Times are milliseconds since the navigation began."""

    def __init__(self, said):
        self.__dict__.update(said)

    @property
    def got_103(self):
        return 0 < self.interim < self.final

    def entries(self, path):
        return [asset for asset in self.assets if asset['path'] == path]

    def used_early(self, path):
        """Whether the page used what a hint had fetched, by the browser's own account."""
        return any((e['initiator'] == 'early-hints' and e['delivery'] == 'cache' and e['size'] == 0)
                   or 0 < e['start'] < self.final for e in self.entries(path))


class Browser:
    """One browser that stays open, and goes from page to page as it is told."""

    def __init__(self, name, stage):
        self.name, self.stage = name, stage
        self.process = self.folder = None
        self.pipe = {}
        self.orders = self.number = 0
        self.unread = b''

    def close(self):
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            for end in self.pipe.values():
                os.close(end)
            self.pipe, self.unread = {}, b''
            self.process = None
        for name in ('next', 'report'):
            (self.stage.root / f'{name}.{self.name}').unlink(missing_ok=True)

    def launch(self, url):
        self.close()
        self.number += 1
        self.folder = Path(self.stage.folder) / f'{self.name}{self.number}'
        self.folder.mkdir()
        command = {'chromium': chromium, 'firefox': firefox}[self.name](self.folder, self.stage)
        orders, answers = os.pipe(), os.pipe()
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 100) for end in (orders[0], answers[1])]

        def place():    # Chromium takes orders from descriptor 3 and answers on 4
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        with open(self.folder / 'output', 'wb') as out:
            self.process = subprocess.Popen(
                [*command, url], env=dict(os.environ, HOME=str(self.folder)), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, pass_fds=(3, 4), preexec_fn=place)
        for end in (*theirs, orders[0], answers[1]):
            os.close(end)
        self.pipe = {'orders': orders[1], 'answers': answers[0]}

    def visit(self, url, timeout=30):
        """Goes to the page and gives its Report. Starts the browser when there is none, with a page of
        its own: at its start it is busy with itself."""
        if not self.process or self.process.poll() is not None:
            self.launch('/'.join(url.split('/')[:3]) + '/stage/idle')
            self.take_report(60)
        return self.tell(url, timeout)

    def tell(self, what, timeout=30):
        """An URL to go to, or "!" and a script; gives the Report of the page that is then loaded."""
        (self.stage.root / f'report.{self.name}').unlink(missing_ok=True)
        new = self.stage.root / f'next.{self.name}.new'
        new.write_text(what)
        new.rename(self.stage.root / f'next.{self.name}')
        return self.take_report(timeout)

    def take_report(self, timeout):
        report = self.stage.root / f'report.{self.name}'
        try:
            until(report.exists, timeout, f'no report of {self.name}')
        except TimeoutError:
            output = (self.folder / 'output').read_text(errors='replace')[-2000:]
            self.close()
            raise AssertionError(f'no report of {self.name}:\n{output}') from None
        said = json.loads(report.read_text())
        report.unlink()
        return Report(said)

    def reload_hard(self):
        """What the reader does who holds Shift; gives the Report of the page."""
        if self.name == 'firefox':
            return self.tell('!location.reload(true)')
        (self.stage.root / f'report.{self.name}').unlink(missing_ok=True)
        (page,) = [target for target in self.order('Target.getTargets')['targetInfos']
                   if target['type'] == 'page']
        session = self.order('Target.attachToTarget', targetId=page['targetId'], flatten=True)['sessionId']
        self.order('Page.reload', session, ignoreCache=True)
        return self.take_report(30)

    def order(self, method, session=None, **params):
        """One command of Chromium's protocol for tools, and its result."""
        self.orders += 1
        command = {'id': self.orders, 'method': method, 'params': params}
        if session:
            command['sessionId'] = session
        os.write(self.pipe['orders'], json.dumps(command).encode() + b'\0')
        while True:
            while b'\0' not in self.unread:
                assert select.select([self.pipe['answers']], [], [], 20)[0], f'no answer to {method}'
                self.unread += os.read(self.pipe['answers'], 65536)
            line, _, self.unread = self.unread.partition(b'\0')
            answer = json.loads(line)
            if answer.get('id') == self.orders:
                assert 'result' in answer, answer
                return answer['result']
