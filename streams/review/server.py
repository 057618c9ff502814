"""Questions and decisions over HTTP, for reviewing systems that do not speak Kafka.

- `GET /requests?queue=&state=&limit=`: questions, the most urgent first; open ones if no state is
  named.
- `GET /requests/{id}`: one, with what is to be seen of its item and what was decided.
- `POST /decisions`: an answer, `{"request_id", "annotator", "note"?}` and one of `"agree": true`,
  `"values": [...]` and `"effects": [{"effect", "value"?}]`. 201 with its `decision_id`.
- `GET /healthz`: whether it is there; the only one that asks for no token.

What fails is answered `{"error": {"type", "message"}}`. Without a token it serves this machine
only, and no names but this machine's own, lest a page in someone's browser asks in his name.
"""

import asyncio
import hmac
import json
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from earmark.models.error import ConfigurationError, ServiceError, reason_of
from earmark.processors.error import ContentError
from earmark.processors.review.answer import answer
from earmark.processors.review.decision import LONGEST_NOTE, MOST_VALUES, DecidedEffect, Decision
from earmark.processors.review.question import Question
from earmark.streams.error import TransactionError
from earmark.streams.loopback import is_asked_as_local, is_loopback
from earmark.streams.registry import Registry
from earmark.streams.review.desk import Desk, State
from earmark.streams.review.intake import take
from earmark.streams.review.ledger import Written
from earmark.streams.settings import Settings

log = structlog.get_logger()

LONGEST_BODY = 64_000  # bytes
ADVANCE_S = 1.0  # how old what is served may be
MOST_LISTED = 1_000

_Result = TypeVar("_Result")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Effect(BaseModel):
    """An effect that holds."""

    model_config = ConfigDict(extra="forbid")

    effect: str = Field(min_length=1, max_length=100)
    value: str | None = Field(default=None, max_length=300)


class Answer(BaseModel):
    """The body of `POST /decisions`."""

    model_config = ConfigDict(extra="forbid")

    request_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    annotator: str = Field(min_length=1, max_length=200)
    agree: bool = False
    values: list[str] | None = Field(default=None, max_length=MOST_VALUES)
    effects: list[Effect] | None = Field(default=None, max_length=MOST_VALUES)
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)

    def decision(self, question: Question, *, now_ms: int) -> Decision:
        """The decision on that question; raises ConfigurationError where it does not fit."""
        effects = None if self.effects is None else map(_decided_effect, self.effects)
        return answer(
            question,
            annotator=self.annotator,
            decided_at=now_ms,
            agrees=self.agree,
            values=self.values,
            effects=effects,
            note=self.note,
        )


class RefusedError(Exception):
    """A call that is answered with an error; `kind` is for programs, the message for people."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Endpoint:
    """The handlers; all that touches the desk runs in one thread of its own."""

    def __init__(self, desk: Desk, *, token: str | None) -> None:
        self._desk = desk
        self._token = token
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")
        self._advanced = -ADVANCE_S

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[self._answered], client_max_size=LONGEST_BODY)
        app.add_routes(
            [
                web.get("/healthz", self.healthz),
                web.get("/requests", self.requests),
                web.get("/requests/{id}", self.request),
                web.post("/decisions", self.decisions),
            ]
        )
        return app

    async def healthz(self, request: web.Request) -> web.Response:
        """Whether it is there."""
        return web.json_response({"state": "READY"})

    async def requests(self, request: web.Request) -> web.Response:
        """A list of questions."""
        wanted = request.query.get("state", State.OPEN)
        limit = request.query.get("limit", "50")
        is_number = limit.isdecimal() and len(limit) <= len(str(MOST_LISTED))
        if not is_number or not 1 <= int(limit) <= MOST_LISTED:
            raise RefusedError(400, "invalid_query", f"limit is a number from 1 to {MOST_LISTED:,}")
        if wanted not in (*State, "ALL"):
            raise RefusedError(400, "invalid_query", f"state is one of {', '.join(State)}, ALL")
        queue = request.query.get("queue")
        return web.json_response(await self._at_desk(lambda: self._list(queue, wanted, int(limit))))

    async def request(self, request: web.Request) -> web.Response:
        """One question."""
        name = request.match_info["id"]
        return web.json_response(await self._at_desk(lambda: self._page(name)))

    async def decisions(self, request: web.Request) -> web.Response:
        """Take an answer."""
        if request.content_type != "application/json":
            raise RefusedError(415, "invalid_body", "a body of application/json is wanted")
        given = _answer(await request.read())
        decision, written = await self._at_desk(lambda: self._take(given))
        status = 201 if written.added else 200
        return web.json_response({"decision_id": decision.decision_id}, status=status)

    def close(self) -> None:
        """End its thread."""
        self._thread.shutdown()

    async def _at_desk(self, action: Callable[[], _Result]) -> _Result:
        """What the action gives, over what is on the topics now."""

        def run() -> _Result:
            if time.monotonic() - self._advanced >= ADVANCE_S:
                self._desk.advance()
                self._advanced = time.monotonic()
            return action()

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _list(self, queue: str | None, wanted: str, limit: int) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for question in self._desk.questions(queue=queue):
            state = self._desk.state(question)
            if wanted in (state, "ALL"):
                found.append({**question.record(), "state": state})
                if len(found) == limit:
                    break
        return {"requests": found}

    def _page(self, name: str) -> dict[str, Any]:
        question = self._question(name)
        shown = self._desk.shown(question.content_id)
        return {
            **question.record(),
            "state": self._desk.state(question),
            "texts": [{"field": field, "text": text} for field, text in shown.texts],
            "audio": shown.audio,
            "decisions": self._desk.ledger.of(question.content_id).record()["decisions"],
        }

    def _question(self, name: str) -> Question:
        question = self._desk.question(name)
        if question is None:
            raise RefusedError(404, "not_found", f"there is no question {name!r}")
        return question

    def _take(self, given: Answer) -> tuple[Decision, Written]:
        question = self._question(given.request_id)
        try:
            decision = given.decision(question, now_ms=time.time_ns() // 1_000_000)
        except ConfigurationError as error:
            raise RefusedError(422, "invalid_decision", str(error)) from error
        written = self._written(question, decision)
        if written.refused:
            raise RefusedError(409, "refused", written.refused[0])
        return decision, written

    def _written(self, question: Question, decision: Decision) -> Written:
        pair = (question.content_id, decision)
        try:
            return take(self._desk, [pair])
        except TransactionError:  # an import has taken the ledger over: take it back
            return take(self._desk, [pair])

    @web.middleware
    async def _answered(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Every failure as one of the documented errors."""
        try:
            self._admit(request)
            return await handler(request)
        except RefusedError as error:
            return _failed(error.status, error.kind, str(error))
        except web.HTTPException as error:
            return _failed(error.status, _kind(error.status), error.reason)
        except ContentError as error:  # in the decisions about an item
            return _failed(500, "unreadable", str(error))
        except ServiceError as error:
            log.warning("review_unavailable", reason=str(error))
            return _failed(503, "unavailable", str(error))

    def _admit(self, request: web.Request) -> None:
        if request.path == "/healthz":
            return
        if self._token is None:
            if not is_asked_as_local(request):
                raise RefusedError(403, "forbidden", "this machine only")
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = token.encode(errors="surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, self._token.encode()):
            raise RefusedError(401, "unauthorized", "a bearer token is wanted")


def run_server(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is told the address.

    Raises ConfigurationError for an address that cannot be taken, or one that others reach
    without a token.
    """
    own = settings.review
    token = own.token.get_secret_value() if own.token is not None else None
    if token is None and not is_loopback(own.http_host):
        raise ConfigurationError(
            f"{own.http_host} can be reached by others: set a token (review.token)"
        )
    with Registry(settings.registry) as registry, Desk(settings, registry, serves=True) as desk:
        desk.advance()
        asyncio.run(_serve(Endpoint(desk, token=token), own.http_host, own.http_port, on_ready))


async def _serve(endpoint: Endpoint, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = web.AppRunner(endpoint.app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except (OSError, OverflowError, UnicodeError) as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {reason_of(error)}"
            ) from error
        on_ready(f"http://{host}:{runner.addresses[0][1]}")
        await ended.wait()
    finally:
        await runner.cleanup()
        endpoint.close()


def _answer(body: bytes) -> Answer:
    """The body as an answer; raises RefusedError that names the field which is wrong."""
    try:
        return Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        status = 400 if first["type"] == "json_invalid" else 422
        raise RefusedError(status, "invalid_body", f"{where}: {first['msg']}") from error


def _decided_effect(effect: Effect) -> DecidedEffect:
    return DecidedEffect(effect=effect.effect, value=effect.value)


def _failed(status: int, kind: str, message: str) -> web.Response:
    body = json.dumps({"error": {"type": kind, "message": message}})
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004  as HTTP has it
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)


def _kind(status: int) -> str:
    known = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    return known.get(status, "invalid_request")
