# SPDX-License-Identifier: MIT
"""A TCP relay that holds back what the server says, as a network would. Chromium loses a 103 that
overtakes the end of its own sending, which only happens on loopback."""
import asyncio
import threading


class Relay:
    def __init__(self, port, delay):
        self.target, self.delay = port, delay
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(10)

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            asyncio.start_server(self.relay, '127.0.0.1', 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def relay(self, reader, writer):
        try:
            there, back = await asyncio.open_connection('127.0.0.1', self.target)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self.pump(reader, back, 0), self.pump(there, writer, self.delay))
        finally:
            writer.close()
            back.close()

    async def pump(self, reader, writer, delay):
        """Each piece leaves `delay` after it came, in order."""
        queue = asyncio.Queue()

        async def deliver():
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - self.loop.time()))
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.close()

        sender = asyncio.ensure_future(deliver())
        try:
            while not sender.done():
                data = await reader.read(65536)
                queue.put_nowait((self.loop.time() + delay, data))
                if not data:
                    break
        except OSError:
            queue.put_nowait((0, b''))
        await asyncio.gather(sender, return_exceptions=True)

    async def drop(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self):
        """Closes the connections, too, so that the server need not wait for them."""
        asyncio.run_coroutine_threadsafe(self.drop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()
