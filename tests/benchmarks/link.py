"""A link between two machines: a TCP proxy that delays, limits the rate, and counts what passes, both ways.

The kernel here has no netem. The delay is one way, so that a round trip takes twice as long; all connections share the rate.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK_BYTES = 16 << 10
ON_THE_WAY = 64  # chunks of one connection in one direction: 1 MiB


@dataclass
class Way:
    """One direction."""

    delay_s: float
    bytes_per_s: float
    passed_bytes: int = 0
    free_at_s: float = 0.0

    def due_s(self, size: int, now_s: float) -> float:
        """When a chunk that is sent now has come to the other end."""
        self.passed_bytes += size
        self.free_at_s = max(self.free_at_s, now_s) + size / self.bytes_per_s
        return self.free_at_s + self.delay_s


@dataclass
class Link:
    """Leads to `to`, a port of loopback. `port`: where it begins, while it is up."""

    to: int
    delay_s: float
    bits_per_s: float
    port: int = 0
    ways: tuple[Way, Way] = field(init=False)

    def __post_init__(self) -> None:
        self.ways = Way(self.delay_s, self.bits_per_s / 8), Way(self.delay_s, self.bits_per_s / 8)

    @property
    def passed_bytes(self) -> int:
        """So far, both ways."""
        return sum(way.passed_bytes for way in self.ways)

    @contextlib.contextmanager
    def up(self) -> Iterator[Link]:
        """Inside, connections are led on."""
        loop, listens = asyncio.new_event_loop(), threading.Event()
        thread = threading.Thread(target=lambda: self._run(loop, listens), daemon=True)
        thread.start()
        listens.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

    def _run(self, loop: asyncio.AbstractEventLoop, listens: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = int(server.sockets[0].getsockname()[1])
        listens.set()
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        await asyncio.gather(self._lead(self.ways[0], reader, back), self._lead(self.ways[1], there, writer))

    async def _lead(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        sent: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(ON_THE_WAY)
        arriving = loop.create_task(self._arrive(sent, writer))
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await sent.put((way.due_s(len(chunk), loop.time()), chunk))
        await sent.put((loop.time() + way.delay_s, b""))
        await arriving

    @staticmethod
    async def _arrive(sent: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop, is_open = asyncio.get_running_loop(), True
        while True:
            due_s, chunk = await sent.get()
            if not chunk:
                break
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            try:
                if is_open:
                    writer.write(chunk)
                    await writer.drain()
            except OSError:
                is_open = False
        writer.close()
