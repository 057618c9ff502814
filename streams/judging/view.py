"""Verdicts, policies and health over HTTP, for people and dashboards.

The server has a thread and a loop of its own, and reads the files of the open partitions itself:
it answers while the agents judge a batch. It tells whoever asks what items are about; it listens
on the loopback interface unless told otherwise.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from earmark.models.error import ConfigurationError, reason_of
from earmark.streams.health import Health, State
from earmark.streams.judging.item_view import ItemView
from earmark.streams.judging.policy_shelf import Shelf
from earmark.streams.judging.record import Records
from earmark.streams.loopback import is_misnamed
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, REVIEW_REQUESTS, VERDICTS

MOST = 500  # verdicts on a page
DEFAULT = 50
LATEST = (2**63 - 1, "")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the views show: asked from another thread than the agents'."""

    health: Health
    metrics: CollectorRegistry
    records: Records
    paths: Callable[[], Mapping[int, Path]]
    shelf: Callable[[], Shelf]
    lag: Callable[[], Mapping[str, int]]  # by topic
    rejudging: Callable[[], int]  # partitions


class RequestError(Exception):
    """What is asked cannot be answered; the kind is for programs, the text for people."""

    def __init__(self, status: HTTPStatus, kind: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


class ViewServer:
    """Serves until `close`; port 0 takes a free one, `port` says which.

    Raises ConfigurationError for an address that is taken, or none.
    """

    def __init__(self, sight: Sight, *, host: str, port: int) -> None:
        self._sight = sight
        self._address = (host, port)
        self._ready = Event()
        self._problem: Exception | None = None
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._serve, name="views", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self._thread.join()
            raise ConfigurationError(f"cannot listen on {host}:{port}: {reason_of(self._problem)}")

    def close(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(application(self._sight, self._address[0]), access_log=None)
        try:
            self._loop.run_until_complete(self._listen(runner))
        except (OSError, OverflowError, UnicodeError) as error:  # of a port or a host that is none
            self._problem = error
        self._ready.set()
        if self._problem is None:
            self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _listen(self, runner: web.AppRunner) -> None:
        await runner.setup()
        await web.TCPSite(runner, *self._address).start()
        self.port = runner.addresses[0][1]


def application(sight: Sight, host: str) -> web.Application:
    """The web application, with its routes, for a server that listens on `host`."""
    views = _Views(sight)
    app = web.Application(middlewares=[_typed_errors, _asked_by_its_name(host)])
    app.router.add_get("/verdicts", views.verdicts)
    app.router.add_get("/verdicts/{content_id:.+}", views.verdict)
    app.router.add_get("/policies", views.policies)
    app.router.add_get("/health", views.health)
    app.router.add_get("/healthz", views.alive)
    app.router.add_get("/readyz", views.ready)
    app.router.add_get("/metrics", views.metrics)
    return app


class _Views:
    def __init__(self, sight: Sight) -> None:
        self._sight = sight

    async def verdict(self, request: web.Request) -> web.Response:
        """One item: its verdict, profile, decisions and questions; null for what is not there."""
        content_id = request.match_info["content_id"]
        with self._items() as items:
            payloads, asked = items.payloads(content_id), items.requests(content_id)
        if not payloads:
            raise RequestError(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"no item {content_id!r} here")
        read = self._sight.records.read
        decisions = self._read(payloads, REVIEW_DECISIONS)
        return _json(
            {
                "content_id": content_id,
                "verdict": self._read(payloads, VERDICTS),
                "profile": self._read(payloads, PROFILES),
                "decisions": [] if decisions is None else decisions["decisions"],
                "requests": [read(REVIEW_REQUESTS, payload) for payload in asked],
            }
        )

    async def verdicts(self, request: web.Request) -> web.Response:
        """The newest verdicts, `next` being the cursor of those behind them."""
        query = request.query
        _known(query, ("effect", "policy", "limit", "before"))
        limit = _limit(query.get("limit", str(DEFAULT)))
        with self._items() as items:
            rows = items.newest(
                effect=query.get("effect"),
                policy=query.get("policy"),
                before=_cursor(query.get("before")),
                limit=limit,
            )
        read = self._sight.records.read
        last = f"{rows[-1][0]}:{rows[-1][1]}" if len(rows) == limit else None
        found = [{"at": at_ms, "verdict": read(VERDICTS, payload)} for at_ms, _, payload in rows]
        return _json({"verdicts": found, "next": last})

    async def policies(self, _: web.Request) -> web.Response:
        """The policies in force, and for how many items each of their rules holds."""
        with self._items() as items:
            counts, judged = items.counts()
        shelf = self._sight.shelf()
        in_force = [
            {
                "policy": policy.name,
                "version": policy.version,
                "sha256": policy.sha256,
                "rules": [rule.name for rule in policy.rules],
            }
            for policy in shelf.policies
        ]
        holding = [
            {"policy": policy, "rule": rule, "effect": effect, "items": count}
            for (policy, rule, effect), count in sorted(counts.items())
        ]
        return _json(
            {"digest": shelf.digest, "policies": in_force, "holding": holding, "judged": judged}
        )

    async def health(self, _: web.Request) -> web.Response:
        """The state, what is behind (records by topic), and what is judged anew."""
        condition = self._sight.health.condition
        lag = self._sight.lag()
        body = {
            "state": condition.state,
            "reason": condition.reason,
            "partitions": sorted(self._sight.paths()),
            "lag": {"records": sum(lag.values()), "topics": dict(sorted(lag.items()))},
            "rejudging": self._sight.rejudging(),
            "policies": self._sight.shelf().digest,
        }
        return _json(body, well=condition.state != State.FAILED)

    async def alive(self, _: web.Request) -> web.Response:
        """200 unless the agents have failed."""
        return self._condition(lambda state: state != State.FAILED)

    async def ready(self, _: web.Request) -> web.Response:
        """200 only when records are taken."""
        return self._condition(lambda state: state == State.READY)

    async def metrics(self, _: web.Request) -> web.Response:
        """For Prometheus."""
        body = generate_latest(self._sight.metrics)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    def _condition(self, well: Callable[[State], bool]) -> web.Response:
        condition = self._sight.health.condition
        body = {"state": condition.state, "reason": condition.reason}
        return _json(body, well=well(condition.state))

    def _items(self) -> ItemView:
        return ItemView(self._sight.paths().values())

    def _read(self, payloads: Mapping[str, bytes], topic: str) -> Mapping[str, Any] | None:
        payload = payloads.get(topic)
        return None if payload is None else self._sight.records.read(topic, payload)


def _asked_by_its_name(host: str) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_misnamed(request, host):
            text = "this server answers to 127.0.0.1 and localhost alone"
            raise RequestError(HTTPStatus.FORBIDDEN, "FORBIDDEN", text)
        return await handler(request)

    return middleware


@web.middleware
async def _typed_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error as `{"error": {"type", "message"}}`."""
    try:
        return await handler(request)
    except RequestError as error:
        return _error(error.status, error.kind, str(error))
    except web.HTTPNotFound:
        paths = "/verdicts, /verdicts/ITEM, /policies, /health, /healthz, /readyz or /metrics"
        return _error(HTTPStatus.NOT_FOUND, "NOT_FOUND", paths)
    except web.HTTPMethodNotAllowed as error:
        return _error(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", f"not {error.method}")


def _json(body: Mapping[str, Any], *, well: bool = True) -> web.Response:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    text = json.dumps(body, ensure_ascii=False)
    return web.json_response(text=text, status=status)


def _error(status: HTTPStatus, kind: str, text: str) -> web.Response:
    return web.json_response({"error": {"type": kind, "message": text}}, status=status)


def _known(query: Mapping[str, str], names: tuple[str, ...]) -> None:
    if strange := sorted(set(query) - set(names)):
        text = f"unknown {strange[0]!r}; known: {', '.join(names)}"
        raise RequestError(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", text)


def _limit(text: str) -> int:
    is_short = len(text) <= len(str(MOST))
    if is_short and text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST:
        return int(text)
    raise RequestError(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", f"limit: 1 to {MOST} is wanted")


def _cursor(text: str | None) -> tuple[int, str]:
    if text is None:
        return LATEST
    at_ms, _, content_id = text.partition(":")
    if not (at_ms.isascii() and at_ms.isdecimal() and len(at_ms) < len(str(LATEST[0]))):
        raise RequestError(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "before: not a cursor of ours")
    return int(at_ms), content_id
