# SPDX-License-Identifier: MIT
"""An HTTP proxy that leads CONNECT for one name to a port of this machine, from an address of the
tester's choice, and refuses all others: so a browser comes from the client network it is told to,
reaches Outrider under the site's own name, and nothing else in the world."""
import asyncio


class Proxy:
    def __init__(self, name, port, source='127.0.0.1'):
        self.name, self.target, self.source = name, port, source
        self.tasks = set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, '127.0.0.1', 0)
        self.address = 'http://127.0.0.1:%d' % self.server.sockets[0].getsockname()[1]
        return self

    async def close(self):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        back = None
        try:
            head = await reader.readuntil(b'\r\n\r\n')
            if not head.startswith(b'CONNECT %s:443 ' % self.name.encode()):
                writer.write(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
                return
            there, back = await asyncio.open_connection('127.0.0.1', self.target,
                                                        local_addr=(self.source, 0))
            writer.write(b'HTTP/1.1 200 OK\r\n\r\n')
            await asyncio.gather(self.pump(reader, back), self.pump(there, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()
            if back:
                back.close()

    async def pump(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
