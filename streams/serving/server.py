"""The HTTP server: `/signals/{name}` as server-sent events, `/items/{content_id}`, its health."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from earmark.models.error import ConfigurationError, EarmarkError
from earmark.streams.commands.subscribe import as_object
from earmark.streams.loopback import is_misnamed
from earmark.streams.serving.event_id import position_of
from earmark.streams.serving.event_stream import HEADERS, EventStream, Patience
from earmark.streams.serving.item import ItemTable
from earmark.streams.serving.metrics import ServeMetrics
from earmark.streams.settings import Settings
from earmark.streams.subscriber import AsyncSubscription, subscribe_async, topics_named
from earmark.streams.subscription.name import name_of
from earmark.streams.topic import signal_topics

ENDS_S = 5.0  # for streams to say that the server stops

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is served, where, and to how many streams at once; port 0 takes a free one."""

    settings: Settings
    items: ItemTable | None = None
    host: str = "127.0.0.1"
    port: int = 0
    most_streams: int = 64
    patience: Patience = field(default_factory=Patience)


class Server:
    """Serves within an `async with` block, whose end lets the streams say that they end."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._streams = 0
        self.metrics = ServeMetrics(serving.items)
        self._stopping = asyncio.Event()
        self._application = web.Application(middlewares=[self._counted, self._answered])
        self._application.add_routes(
            [
                web.get("/signals", self._names),
                web.get("/signals/{name}", self._signals),
                web.get("/items/{content_id:.+}", self._item),
                web.get("/healthz", self._health),
                web.get("/metrics", self._show_metrics),
            ]
        )
        self._runner = web.AppRunner(
            self._application, access_log=None, shutdown_timeout=ENDS_S, handler_cancellation=True
        )
        self.url = ""

    async def __aenter__(self) -> "Server":
        await self._runner.setup()
        host, port = self._serving.host, self._serving.port
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        bound = self._runner.addresses[0][1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._stopping.set()
        await self._runner.cleanup()

    async def _names(self, _: web.Request) -> web.Response:
        return web.json_response({"signals": [name_of(topic) for topic in signal_topics()]})

    async def _signals(self, request: web.Request) -> web.StreamResponse:
        if self._streams >= self._serving.most_streams:
            return _failed(503, f"{self._streams} streams are served, and no more")
        self._streams += 1
        self.metrics.streams.set(self._streams)
        try:
            async with self._subscription(request) as signals:
                stream = EventStream(request, self._serving.patience, self._stopping, self.metrics)
                return await stream.run(signals)
        finally:
            self._streams -= 1
            self.metrics.streams.set(self._streams)

    def _subscription(self, request: web.Request) -> AsyncSubscription:
        """What is asked for, from where; raises ConfigurationError for what nobody can give."""
        asked = request.query
        if strange := asked.keys() - _ASKED:
            raise ConfigurationError(f"unknown {min(strange)}: ask with {', '.join(_ASKED)}")
        topic = _topic(request.match_info["name"])
        last = request.headers.get("Last-Event-ID") or asked.get("last_event_id")
        return subscribe_async(
            topic,
            from_beginning=last is None and _is_on(asked.get("from_beginning")),
            since=asked.get("since") if last is None else None,
            start=None if last is None else position_of(last, topic),
            where=asked.getall("where", []),
            content_type=asked.getall("content_type", []),
            label=asked.getall("label", []),
            min_score=_number(asked.get("min_score")),
            deletions=True,
            settings=self._serving.settings,
        )

    async def _item(self, request: web.Request) -> web.Response:
        items, content_id = self._serving.items, request.match_info["content_id"]
        if items is None:
            return _failed(404, "this server keeps no table of items")
        if not items.state.ready:
            told = f"{items.state.read:,} of {items.state.total:,} records"
            return _failed(503, items.state.problem or f"the topics are being read: {told}")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(items.lookups, items.look_up, content_id)
        if not found:
            return _failed(404, f"there is no signal of {content_id}")
        signals = {name: as_object(signal) for name, signal in found.items()}
        return web.json_response({"content_id": content_id, "signals": signals})

    async def _health(self, _: web.Request) -> web.Response:
        items = self._serving.items
        table = None if items is None else _table(items)
        is_well = items is None or items.state.problem is None
        body = {"well": is_well, "streams": self._streams, "items": table}
        return web.json_response(body, status=200 if is_well else 503)

    async def _show_metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Counts requests by their route, those without one together."""
        began = time.monotonic()
        resource = request.match_info.route.resource
        route = "" if resource is None else resource.canonical
        try:
            response = await handler(request)
        except asyncio.CancelledError:
            self.metrics.left(route)
            raise
        is_stream = response.headers.get("Content-Type") == HEADERS["Content-Type"]
        passed_s = None if is_stream else time.monotonic() - began  # a stream lasts as it likes
        self.metrics.answered(route, response.status, passed_s)
        return response

    @web.middleware
    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors as JSON, and nothing for pages that reach the loopback by a name of theirs."""
        if is_misnamed(request, self._serving.host):
            return _failed(403, "this server answers to 127.0.0.1 and localhost alone")
        try:
            return await handler(request)
        except ConfigurationError as error:
            return _failed(400, str(error))
        except EarmarkError as error:
            return _failed(503, str(error))
        except web.HTTPException as error:
            return _failed(error.status, error.reason)


_ASKED = frozenset(
    {
        *("where", "content_type", "label", "min_score"),
        *("from_beginning", "since", "last_event_id"),
    }
)


def _topic(name: str) -> str:
    """The one topic meant: an id says a place in one alone."""
    topics = topics_named([name])
    if len(topics) != 1:
        raise ConfigurationError(f"{name} is {len(topics)} topics: ask for one at a time")
    return topics[0]


def _is_on(written: str | None) -> bool:
    if written not in {None, "0", "1", "false", "true"}:
        raise ConfigurationError(f"from_beginning={written}: write 1 or 0")
    return written in {"1", "true"}


def _number(written: str | None) -> float | None:
    try:
        return None if written is None else float(written)
    except ValueError:
        raise ConfigurationError(f"min_score={written} is not a number") from None


def _table(items: ItemTable) -> Mapping[str, object]:
    state = items.state
    return {
        "ready": state.ready,
        "read": state.read,
        "total": state.total,
        "problem": state.problem,
    }


def _failed(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)
