"""`/quality`, `/drift` and `/replays`: how right signals are, what moves, what would change."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web

from earmark.processors.codec import jsonable
from earmark.streams.web.access import OPERATOR, PERSON
from earmark.streams.web.api.item import SIGNAL
from earmark.streams.web.days import days_of_drift
from earmark.streams.web.endpoint import PREFIX, Endpoint, Parameter, number, text
from earmark.streams.web.inspector import Inspector
from earmark.streams.web.quality import quality
from earmark.streams.web.replays import difference, promoted, runs

log = structlog.get_logger()

FRESH_S = 60.0  # for so long what took long is given again
MOST_KEPT = 32
DAYS = Parameter(
    name="days", says="The last so many.", kind="integer", default=14, least=1, most=60
)
MOST = Parameter(
    name="most",
    says="Items of each signal, those that changed most.",
    kind="integer",
    default=20,
    least=0,
    most=100,
)
RUN = Parameter(name="run", says="The name of the replay.", in_path=True)


def endpoints(inspector: Inspector) -> list[Endpoint]:
    """Those of this module."""
    handlers = Quality(inspector)
    return [
        Endpoint(
            method="GET",
            path=f"{PREFIX}/quality",
            handler=handlers.quality,
            says="What was measured of each signal, and whether it is still as it was then.",
            tag="quality",
        ),
        Endpoint(
            method="GET",
            path=f"{PREFIX}/drift",
            handler=handlers.drift,
            says="What moved on each day against the days before, and alerts that were raised.",
            tag="quality",
            parameters=(SIGNAL, DAYS),
            fails=(400,),
        ),
        Endpoint(
            method="GET",
            path=f"{PREFIX}/replays",
            handler=handlers.replays,
            says="Replays and how far they are.",
            tag="replays",
        ),
        Endpoint(
            method="GET",
            path=f"{PREFIX}/replays/{{run}}/diff",
            handler=handlers.diff,
            says="What a replay says otherwise than the live signals.",
            tag="replays",
            parameters=(RUN, MOST),
            fails=(404,),
        ),
        Endpoint(
            method="POST",
            path=f"{PREFIX}/replays/{{run}}/promote",
            handler=handlers.promote,
            says="Let the answers of a finished replay become the live ones.",
            tag="replays",
            parameters=(RUN,),
            role=OPERATOR,
            fails=(403, 404, 409),
        ),
    ]


class Quality:
    """The handlers."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._kept: dict[tuple[object, ...], tuple[float, Any]] = {}

    async def quality(self, _: web.Request) -> web.Response:
        """What was measured."""
        found = await self._known(("quality",), lambda: quality(self._inspector.settings))
        return web.json_response(found)

    async def drift(self, request: web.Request) -> web.Response:
        """What moved."""
        signal, days = text(request, SIGNAL.name), int(number(request, DAYS) or 0)
        reader = self._inspector.reader
        key = ("drift", signal, days)
        found = await self._known(key, lambda: days_of_drift(reader, signal, days))
        return web.json_response(jsonable(found))

    async def replays(self, _: web.Request) -> web.Response:
        """The runs."""
        return web.json_response(await self._inspector.wait(runs, self._inspector.settings))

    async def diff(self, request: web.Request) -> web.Response:
        """A run against what is live."""
        run, most = request.match_info["run"], int(number(request, MOST) or 0)
        settings = self._inspector.settings
        found = await self._known(("diff", run, most), lambda: difference(settings, run, most))
        return web.json_response(jsonable(found))

    async def promote(self, request: web.Request) -> web.Response:
        """Promote it."""
        run = request.match_info["run"]
        sent = await self._inspector.wait(promoted, self._inspector.settings, run)
        self._kept.clear()
        log.info("promoted", user=request[PERSON].user, run=run, sent=sent)
        return web.json_response({"run": run, "sent": sent})

    async def _known(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        """What was made a moment ago, or is made now."""
        at, found = self._kept.get(key, (-FRESH_S, None))
        if time.monotonic() - at < FRESH_S:
            return found
        found = await self._inspector.wait(make)
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = (time.monotonic(), found)
        return found
