"""The HTTP server of the inspector: pages, `/api/v1`, and what holds for every answer."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack

import structlog
from aiohttp import web

from earmark.models.error import ConfigurationError, EarmarkError, reason_of
from earmark.processors.error import ContentError
from earmark.streams.settings import Settings
from earmark.streams.web.access import PERSON, Access, Person, RefusedError
from earmark.streams.web.api import item, letter, quality, recording, session, stream, trial
from earmark.streams.web.endpoint import PREFIX, Endpoint
from earmark.streams.web.inspector import Inspector, opened
from earmark.streams.web.openapi import openapi
from earmark.streams.web.page_file import page_file
from earmark.streams.web.trial import Trials

log = structlog.get_logger()

ENDS_S = 5.0  # for streams to say that the server stops
LONGEST_BODY = 64_000  # bytes; endpoints that take more read it piece by piece
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def endpoints(inspector: Inspector, access: Access, trials: Trials) -> list[Endpoint]:
    """All of `/api/v1`, in the order in which they are described."""
    return [
        *session.endpoints(inspector, access),
        *item.endpoints(inspector),
        *recording.endpoints(inspector),
        *stream.endpoints(inspector),
        *letter.endpoints(inspector),
        *quality.endpoints(inspector),
        *trial.endpoints(inspector, trials),
    ]


class WebServer:
    """Serves within an `async with` block. `operator`: everybody on this machine may change things.

    Raises ConfigurationError for an address that cannot be taken, or that others reach without
    anything that says who they are; ServiceError where the brokers do not answer.
    """

    def __init__(self, settings: Settings, *, operator: bool = False) -> None:
        self._settings = settings
        self._access = Access(settings.web, operator=operator)
        self._undo = ExitStack()
        self.url = ""

    async def __aenter__(self) -> "WebServer":
        try:
            self.inspector = await asyncio.to_thread(opened, self._settings, self._undo)
            self.inspector.hub.begin(asyncio.get_running_loop())
            self._runner = web.AppRunner(
                self._application(),
                access_log=None,
                shutdown_timeout=ENDS_S,
                handler_cancellation=True,
            )
            await self._listen()
        except EarmarkError:
            await asyncio.to_thread(self._undo.close)
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.inspector.stopping.set()
        await self._runner.cleanup()
        await asyncio.to_thread(self._undo.close)

    async def _listen(self) -> None:
        host, port = self._settings.web.http_host, self._settings.web.http_port
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {reason_of(error)}"
            ) from error
        bound = self._runner.addresses[0][1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._answered], client_max_size=LONGEST_BODY)
        app.on_response_prepare.append(_with_headers)
        door = session.Door(self._access)
        app.router.add_post("/login", door.enter)
        app.router.add_post("/logout", door.leave)
        trials = Trials(self._settings)
        self._undo.callback(trials.close)
        table = endpoints(self.inspector, self._access, trials)
        table.append(_description(table))
        for each in table:
            path = re.sub(r"\{(\w+)\}", r"{\1:[^/]+}", each.path)
            app.router.add_route(each.method, path, self._guarded(each))
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/{path:.*}", self._page)
        return app

    def _guarded(self, endpoint: Endpoint) -> Handler:
        """The handler, for those who may."""

        async def handle(request: web.Request) -> web.StreamResponse:
            person = self._person(request)
            if endpoint.role not in person.roles:
                raise RefusedError(403, f"this needs the role {endpoint.role}")
            if endpoint.changes:
                self._access.check_change(request, person)
            return await endpoint.handler(request)

        return handle

    def _person(self, request: web.Request) -> Person:
        person = self._access.person(request)
        if person is None:
            raise RefusedError(401, "sign in, or send a bearer token")
        request[PERSON] = person
        return person

    async def _page(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if f"/{path}".startswith(PREFIX):
            raise RefusedError(404, "there is no such endpoint")
        if path in {"", "api"} and self._access.person(request) is None:
            return web.Response(status=303, headers={"Location": "/login"})
        return page_file(path).response()

    async def _health(self, _: web.Request) -> web.Response:
        state = self.inspector.feeder.state
        well = state.problem is None
        body = {"well": well, "ready": state.ready}
        return web.json_response(body, status=200 if well else 503)

    @web.middleware
    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every failure as one sentence."""
        try:
            self._access.check_name(request)
            return await handler(request)
        except RefusedError as error:
            return failed(error.status, str(error))
        except ConfigurationError as error:
            return failed(400, str(error))
        except ContentError as error:
            return failed(422, f"{error.rejection_class}: {error}")
        except EarmarkError as error:
            log.warning("unavailable", path=request.path, reason=str(error))
            return failed(503, str(error))
        except web.HTTPException as error:
            return failed(error.status, error.reason)


def _description(table: Sequence[Endpoint]) -> Endpoint:
    """The endpoint that describes all, itself among them."""

    async def describe(_: web.Request) -> web.Response:
        return web.json_response(document)

    own = Endpoint(
        method="GET",
        path=f"{PREFIX}/openapi.json",
        handler=describe,
        says="This description, in OpenAPI 3.1.",
        tag="api",
    )
    document = openapi([*table, own])
    return own


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    """What every answer carries, streams and files too."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def failed(status: int, sentence: str) -> web.Response:
    """The answer to what could not be done."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004  as HTTP has it
    text = json.dumps({"error": sentence})
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
