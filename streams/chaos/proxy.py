"""A network between the workers and the broker that can be cut.

A cut refuses and closes nothing, like a cable that is out: connections open and stay silent, and
what was sent into it arrives when it is whole again. To a client that is the worst, since it learns
nothing.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from threading import Event, Thread

from earmark.streams.local.port import HOST, free_port

CHUNK_BYTES = 65_536  # as much of each connection is held back within, beside the kernel's buffers


class Proxy:
    """Forwards connections to `port` on to `target`, both on the loopback interface.

    It lives in a thread of its own; the methods may be called from any other.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.target = target
        self._started = Event()
        self._thread = Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> None:
        """Listen; returns when it does."""
        self._thread.start()
        self._started.wait()

    def cut(self) -> None:
        """Let nothing through from now on."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """Let through what was held back, and all that comes."""
        self._loop.call_soon_threadsafe(self._whole.set)

    def stop(self) -> None:
        """Close all connections; does nothing where that was done."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._whole, self._stopped = asyncio.Event(), asyncio.Event()
        self._whole.set()
        server = await asyncio.start_server(self._connect, HOST, self.port)
        self._started.set()
        await self._stopped.wait()
        server.close()  # what is connected is cancelled as the loop ends

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._whole.wait()
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:  # the broker is away
            writer.close()
        except asyncio.CancelledError:
            writer.close()
        else:
            await asyncio.gather(
                self._forward(reader, inner_writer), self._forward(inner_reader, writer)
            )

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One direction, until either side ends."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
            await self._whole.wait()  # through a cut, an end is not seen either
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or all of this
        finally:
            writer.close()
