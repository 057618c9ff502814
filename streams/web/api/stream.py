"""`/stream`: signals as they arrive, and how fast and how far behind, as server-sent events."""

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from earmark.models.error import EarmarkError
from earmark.streams.web.access import RefusedError
from earmark.streams.web.api.item import FILTERS, filters
from earmark.streams.web.endpoint import PREFIX, Endpoint
from earmark.streams.web.filter import Filter
from earmark.streams.web.hub import Onlooker
from earmark.streams.web.inspector import Inspector

MOST_ONLOOKERS = 64
RATE_EVERY_S = 2.0
SLOW_S = 30.0
RETRY_MS = 3_000
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


def endpoints(inspector: Inspector) -> list[Endpoint]:
    """Those of this module."""
    stream = Stream(inspector)
    return [
        Endpoint(
            method="GET",
            path=f"{PREFIX}/stream",
            handler=stream.follow,
            says="Signals from now on, as server-sent events `signal`; `rate` every two seconds, "
            "`dropped` where more came than could be told, `end` when the server stops. Who comes "
            "back with Last-Event-ID gets what came meanwhile, or `missed` where that is too much.",
            tag="stream",
            parameters=FILTERS,
            answer="text/event-stream",
            fails=(400, 503),
        )
    ]


class Stream:
    """The handler."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Until the client or the server ends."""
        hub = self._inspector.hub
        if hub.onlookers >= MOST_ONLOOKERS:
            raise RefusedError(503, f"{hub.onlookers} look on, and no more can")
        wanted = Filter(**filters(request))
        response = web.StreamResponse(headers=HEADERS)
        with hub.onlooker(wanted, after=request.headers.get("Last-Event-ID")) as onlooker:
            await response.prepare(request)
            try:
                await response.write(f"retry: {RETRY_MS}\n\n".encode())
                await self._tell(response, onlooker)
            except (ConnectionResetError, TimeoutError):
                pass  # it is gone, or takes nothing: it comes back if it wants to
        return response

    async def _tell(self, response: web.StreamResponse, onlooker: Onlooker) -> None:
        stopping, next_rate = self._inspector.stopping, 0.0
        while not stopping.is_set():
            if time.monotonic() >= next_rate:
                next_rate = time.monotonic() + RATE_EVERY_S
                rate = await self._rate()
                # nothing waits: who comes back with this has missed nothing until now
                at = None if onlooker.there.is_set() else self._inspector.hub.last_id
                await _write(response, _event("rate", rate, at))
            await _wait(onlooker.there, stopping, next_rate - time.monotonic())
            if told := _told(onlooker):
                await _write(response, told)
        await _write(response, _event("end", {"reason": "the server stops"}))

    async def _rate(self) -> dict[str, Any]:
        state, group = self._inspector.feeder.state, self._inspector.settings.kafka.group_id
        try:
            lag = {group: await self._inspector.wait(self._inspector.lag.read)}
        except EarmarkError:
            lag = {}
        return {
            "per_s": self._inspector.hub.rates(),
            "lag": lag,
            "records_behind": max(0, state.total - state.read),
            "ready": state.ready,
        }


async def _wait(there: asyncio.Event, stopping: asyncio.Event, limit_s: float) -> None:
    """Until something is there, or it stops, or the time is over."""
    waiting = {asyncio.ensure_future(event.wait()) for event in (there, stopping)}
    await asyncio.wait(waiting, timeout=max(0.0, limit_s), return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _write(response: web.StreamResponse, told: str) -> None:
    async with asyncio.timeout(SLOW_S):
        await response.write(told.encode())


def _told(onlooker: Onlooker) -> str:
    """What there is to tell now; after it nothing waits."""
    events = [_event("signal", row, at) for at, row in onlooker.take()]
    if onlooker.dropped:
        events.insert(0, _event("dropped", {"count": onlooker.dropped}))
    if onlooker.has_missed:
        events.insert(0, _event("missed", {}))
    onlooker.dropped, onlooker.has_missed = 0, False
    return "".join(events)


def _event(kind: str, data: dict[str, Any], at: str | None = None) -> str:
    # as ASCII: some clients take what Unicode has of line ends for one
    place = "" if at is None else f"id: {at}\n"
    return f"{place}event: {kind}\ndata: {json.dumps(data)}\n\n"
