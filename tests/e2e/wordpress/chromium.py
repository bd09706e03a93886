# SPDX-License-Identifier: MIT
"""One headless Chromium, asked over the DevTools pipe to look at pages, each in a browser context
of its own: no cache, no cookies, no connections of an earlier page. It tells what the page asked
for, why, and whether that blocked rendering.

The protocol: https://chromedevtools.github.io/devtools-protocol/ ; messages are JSON with a zero
byte behind them, on the descriptors 3 and 4."""
import asyncio
import json
import os
import signal
import subprocess
import sys

# Gives its two first arguments the numbers that Chromium wants them to have.
LAUNCH = ('import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); '
          'os.execvp(sys.argv[3], sys.argv[3:])')
FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--remote-debugging-pipe',
         # Where no frame is drawn, lazy images never come into view: they are asked for at once.
         '--blink-settings=lazyLoadEnabled=false']
SCREEN = {'width': 1280, 'height': 900, 'deviceScaleFactor': 1, 'mobile': False}

# What the document says of itself: its scripts, and the fonts it declares.
DOCUMENT = """JSON.stringify({
  scripts: [...document.scripts].filter(s => s.src).map(s => ({
    url: s.src, head: document.head.contains(s), late: s.async || s.defer || s.type === 'module'})),
  fonts: [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(rule => rule instanceof CSSFontFaceRule)
    .flatMap(rule => [...rule.style.getPropertyValue('src').matchAll(/url\\("([^"]+)"\\)/g)]
      .map(found => new URL(found[1], document.baseURI).href))})"""


class Chromium:
    """Use within one event loop: `async with Chromium(folder, pins) as chromium`."""

    def __init__(self, folder, pins):
        self.folder, self.pins = folder, pins
        self.number = 0
        self.answers = {}       # number: future
        self.views = {}         # session: View

    async def __aenter__(self):
        to_read, out = os.pipe()
        into, to_write = os.pipe()
        self.folder.mkdir(parents=True)
        self.log = open(self.folder / 'chromium.log', 'wb')
        self.process = subprocess.Popen(
            [sys.executable, '-c', LAUNCH, str(to_read), str(to_write), 'chromium', *FLAGS,
             f'--user-data-dir={self.folder}', f'--ignore-certificate-errors-spki-list={",".join(self.pins)}',
             'about:blank'],
            env=dict(os.environ, HOME=str(self.folder)), pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        os.close(to_read)
        os.close(to_write)
        self.out = os.fdopen(out, 'wb', buffering=0)
        self.reader = asyncio.StreamReader(limit=1 << 26)
        loop = asyncio.get_running_loop()
        self.into, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.reader), os.fdopen(into, 'rb'))
        self.receiving = asyncio.create_task(self.receive())
        return self

    async def __aexit__(self, *_):
        self.receiving.cancel()
        self.out.close()
        self.into.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()

    async def receive(self):
        try:
            while True:
                message = json.loads((await self.reader.readuntil(b'\0'))[:-1])
                if 'id' in message:
                    self.answers.pop(message['id']).set_result(message)
                elif message.get('sessionId') in self.views:
                    self.views[message['sessionId']].take(message['method'], message['params'])
        except asyncio.IncompleteReadError:
            for answer in self.answers.values():
                answer.set_exception(ConnectionError('Chromium has ended'))

    async def call(self, method, session=None, **params):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': params}
        if session:
            message['sessionId'] = session
        answer = self.answers[self.number] = asyncio.get_running_loop().create_future()
        self.out.write(json.dumps(message).encode() + b'\0')
        message = await asyncio.wait_for(answer, 30)
        if 'error' in message:
            raise RuntimeError(f'{method}: {message["error"]}')
        return message['result']

    async def look_at(self, url, proxy, cookies=None):
        """Opens the page as somebody who was never there; gives the View once nothing moves."""
        context = (await self.call('Target.createBrowserContext', proxyServer=proxy))['browserContextId']
        try:
            # Hidden: without a window around it, which would cost three times as much as the page.
            target = (await self.call('Target.createTarget', url='about:blank', hidden=True,
                                      browserContextId=context))['targetId']
            session = (await self.call('Target.attachToTarget', targetId=target, flatten=True))['sessionId']
            view = self.views[session] = View()
            await asyncio.gather(
                self.call('Network.enable', session), self.call('Page.enable', session),
                self.call('Emulation.setDeviceMetricsOverride', session, **SCREEN))
            if cookies:
                await self.call('Network.setCookies', session,
                                cookies=[{'name': k, 'value': v, 'url': url} for k, v in cookies.items()])
            await self.call('Page.navigate', session, url=url)
            await view.wait_quiet()
            view.document = json.loads((await self.call(
                'Runtime.evaluate', session, expression=DOCUMENT))['result']['value'])
            del self.views[session]
            return view
        finally:
            await self.call('Target.disposeBrowserContext', browserContextId=context)


class View:
    """What one page asked for: `asked` has a dict for each request, in order; `document` is what
    DOCUMENT gives."""

    QUIET = 0.1     # seconds without anything, after the load event

    def __init__(self):
        self.asked = []
        self.by_id = {}
        self.early = {}         # headers that came before their request
        self.open = set()
        self.loaded = False
        self.document = None
        self.last = asyncio.get_running_loop().time()

    def take(self, method, params):
        self.last = asyncio.get_running_loop().time()
        number = params.get('requestId')
        if method == 'Network.requestWillBeSent':
            if params['request']['url'].startswith('https:'):
                self.begin(number, params)
        elif method == 'Network.requestWillBeSentExtraInfo':
            headers = {name.lower(): value for name, value in params['headers'].items()}
            if number in self.by_id and not self.by_id[number]['headers']:
                self.by_id[number]['headers'] = headers
            else:
                self.early[number] = headers
        elif method == 'Network.responseReceived' and number in self.by_id:
            self.by_id[number]['status'] = params['response']['status']
            self.by_id[number]['early'] = params['response'].get('fromEarlyHints', False)
        elif method in ('Network.loadingFinished', 'Network.loadingFailed'):
            self.open.discard(number)
        elif method == 'Page.loadEventFired':
            self.loaded = True

    def begin(self, number, params):
        if 'redirectResponse' in params:
            self.by_id[number]['status'] = params['redirectResponse']['status']
        self.by_id[number] = request = {
            'url': params['request']['url'], 'initiator': params['initiator']['type'],
            'blocking': params.get('renderBlockingBehavior', ''), 'status': None, 'early': False,
            'headers': self.early.pop(number, {})}
        self.asked.append(request)
        self.open.add(number)

    async def wait_quiet(self, timeout=20):
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while not (self.loaded and not self.open and loop.time() - self.last > self.QUIET):
            if loop.time() > end:
                raise TimeoutError(f'still waiting for {[self.by_id[n]["url"] for n in self.open]}')
            await asyncio.sleep(0.01)
