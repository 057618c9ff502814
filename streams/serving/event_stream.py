"""One client's server-sent events: a signal's records as they come, each with its place as id.

Source: WHATWG HTML, section 9.2. An event without data sets the last event id and is told to
nobody: with these a client resumes where it was, also where nothing came through its conditions.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from earmark.models.error import EarmarkError
from earmark.streams.commands.subscribe import as_object
from earmark.streams.serving.event_id import event_id
from earmark.streams.subscriber import AsyncSubscription, ReceivedSignal

log = structlog.get_logger()

RETRY_MS = 3_000  # after which a client comes back
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: between signs of life, and until a client that takes nothing is dropped."""

    heartbeat_s: float = 15.0
    slow_s: float = 30.0
    buffer_bytes: int = 262_144  # written and not yet taken; more waits on the broker


class _TooSlow(Exception):  # noqa: N818  # no error of ours: the client's fate
    """The client has taken nothing for too long."""


class EventStream:
    """Writes what a subscription gives to one response until one of the two ends, or `stopping`."""

    def __init__(self, request: web.Request, patience: Patience, stopping: asyncio.Event) -> None:
        self._request = request
        self._patience = patience
        self._stopping = stopping
        self._response = web.StreamResponse(headers=HEADERS)

    async def run(self, signals: AsyncSubscription) -> web.StreamResponse:
        """The response, when all is written; a client that is gone ends it too."""
        await self._begin()
        try:
            await self._write(f"retry: {RETRY_MS}\n{_id(signals)}\n")
            await self._pass_on(signals)
            await self._write(_event("end", {"reason": "the server stops"}, _id(signals)))
        except _TooSlow:
            self._drop(_id(signals))
        except EarmarkError as error:
            await self._write(_event("error", {"error": str(error)}, _id(signals)))
        return self._response

    async def _begin(self) -> None:
        await self._response.prepare(self._request)
        transport = self._request.transport
        if transport is not None:
            transport.set_write_buffer_limits(high=self._patience.buffer_bytes)

    async def _pass_on(self, signals: AsyncSubscription) -> None:
        """Records as they come, heartbeats while none does."""
        stop = asyncio.ensure_future(self._stopping.wait())
        coming = asyncio.ensure_future(anext(signals))
        try:
            while not stop.done():
                await asyncio.wait(
                    {stop, coming},
                    timeout=self._patience.heartbeat_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if coming.done():
                    signal = coming.result()
                    await self._write(_told(signal, _id(signals)))
                    coming = asyncio.ensure_future(anext(signals))
                elif not stop.done():
                    await self._write(f": heartbeat\n{_id(signals)}\n")
        finally:
            for task in (stop, coming):
                task.cancel()
            await asyncio.gather(stop, coming, return_exceptions=True)

    async def _write(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._patience.slow_s):
                await self._response.write(text.encode())
        except TimeoutError:
            raise _TooSlow from None

    def _drop(self, last_id: str) -> None:
        """Say why, behind all that was written, and close without waiting for the client."""
        log.warning("slow client dropped", path=self._request.path, peer=self._request.remote)
        transport = self._request.transport
        if transport is not None:
            said = {"reason": "too slow: come back with this Last-Event-ID"}
            body = _event("dropped", said, last_id).encode()
            transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            transport.close()
            asyncio.get_running_loop().call_later(self._patience.slow_s, transport.abort)


def _id(signals: AsyncSubscription) -> str:
    return f"id: {event_id(signals.position())}\n"


def _told(signal: ReceivedSignal, last_id: str) -> str:
    return _event("deletion" if signal.deleted else "signal", as_object(signal), last_id)


def _event(kind: str, data: Mapping[str, object], last_id: str) -> str:
    # as ASCII: some clients take what Unicode has of line ends for one
    return f"event: {kind}\n{last_id}data: {json.dumps(data)}\n\n"
