"""One client's server-sent events: a signal's records as they come, each with its place as id.

Source: WHATWG HTML, section 9.2. An event without data sets the last event id and is told to
nobody: with these a client resumes where it was, also where nothing came through its conditions.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from earmark.models.error import EarmarkError
from earmark.streams.commands.subscribe import as_object
from earmark.streams.serving.event_id import event_id
from earmark.streams.serving.metrics import ServeMetrics
from earmark.streams.subscriber import AsyncSubscription, ReceivedSignal

log = structlog.get_logger()

RETRY_MS = 3_000  # after which a client comes back
WRITTEN = 65_536  # characters: of what is there already, so much goes in one piece
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

    def __init__(
        self,
        request: web.Request,
        patience: Patience,
        stopping: asyncio.Event,
        metrics: ServeMetrics,
    ) -> None:
        self._metrics = metrics
        self._request = request
        self._patience = patience
        self._stopping = stopping
        self._response = web.StreamResponse(headers=HEADERS)
        self._id = ""  # behind all that was told, which what was read need not be

    async def run(self, signals: AsyncSubscription) -> web.StreamResponse:
        """The response, when all is written; a client that is gone ends it too."""
        await self._begin()
        try:
            await self._write(f"retry: {RETRY_MS}\n{self._place(signals)}\n")
            await self._write(await self._last_words(signals))
        except _TooSlow:
            self._drop()
        except ConnectionResetError:
            log.debug("client gone", path=self._request.path)
        return self._response

    async def _last_words(self, signals: AsyncSubscription) -> str:
        """Why nothing more comes, when all that came is written."""
        try:
            await self._pass_on(signals)
        except EarmarkError as error:
            return self._event("error", {"error": str(error)})
        return self._event("end", {"reason": "the server stops"})

    async def _begin(self) -> None:
        await self._response.prepare(self._request)
        transport = self._request.transport
        if transport is not None:
            transport.set_write_buffer_limits(high=self._patience.buffer_bytes)

    async def _pass_on(self, signals: AsyncSubscription) -> None:
        """Records as they come, heartbeats while none does."""
        stop = asyncio.ensure_future(self._stopping.wait())
        coming: asyncio.Future[ReceivedSignal] = asyncio.ensure_future(anext(signals))
        try:
            while not stop.done():
                either: set[asyncio.Future[Any]] = {stop, coming}
                await asyncio.wait(
                    either,
                    timeout=self._patience.heartbeat_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if coming.done():
                    text, coming = await self._gathered(signals, coming)
                    await self._write(text)
                elif not stop.done():
                    await self._write(f": heartbeat\n{self._place(signals)}\n")
        finally:
            for task in (stop, coming):
                task.cancel()
            await asyncio.gather(stop, coming, return_exceptions=True)

    async def _gathered(
        self, signals: AsyncSubscription, coming: asyncio.Future[ReceivedSignal]
    ) -> tuple[str, asyncio.Future[ReceivedSignal]]:
        """All that is there already, as text, and what is still to come."""
        told: list[str] = []
        length = 0
        while coming.done() and length < WRITTEN:
            if told and coming.exception() is not None:
                break  # first what was gathered before it
            signal = coming.result()
            self._place(signals)
            told.append(self._event("deletion" if signal.deleted else "signal", as_object(signal)))
            length += len(told[-1])
            self._metrics.sent(signal.topic, 1)
            coming = asyncio.ensure_future(anext(signals))
            await asyncio.sleep(0)  # one that need not wait is there after its first step
        return "".join(told), coming

    async def _write(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._patience.slow_s):
                await self._response.write(text.encode())
        except TimeoutError:
            raise _TooSlow from None

    def _drop(self) -> None:
        """Say why, behind all that was written, and close without waiting for the client."""
        self._metrics.dropped.inc()
        log.warning("slow client dropped", path=self._request.path, peer=self._request.remote)
        transport = self._request.transport
        if transport is not None:
            said = {"reason": "too slow: come back with this Last-Event-ID"}
            body = self._event("dropped", said).encode()
            transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            transport.close()
            asyncio.get_running_loop().call_later(self._patience.slow_s, transport.abort)

    def _place(self, signals: AsyncSubscription) -> str:
        """The line with the id of where the subscription now is; all before it is told."""
        self._id = f"id: {event_id(signals.position())}\n"
        return self._id

    def _event(self, kind: str, data: Mapping[str, object]) -> str:
        # as ASCII: some clients take what Unicode has of line ends for one
        return f"event: {kind}\n{self._id}data: {json.dumps(data)}\n\n"
