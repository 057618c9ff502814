"""The inspector's server in a thread of this process, and what a client gets of it."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, urlsplit

from earmark.streams.settings import Settings
from earmark.streams.web.server import WebServer

V1 = "/api/v1"
WAIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks the server, with these headers unless told otherwise."""

    def __init__(self, url: str, server: WebServer, **headers: str) -> None:
        self.url, self.server, self._headers = url, server, headers

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> Answer:
        host = urlsplit(self.url)
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=WAIT_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {**self._headers, **named})
            response = connection.getresponse()
            found = dict(response.getheaders())
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path if path.startswith("/") else f"{V1}/{path}", **headers)

    def post(self, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """With what a change has to carry."""
        csrf = self.get("session").json["csrf"]
        return self.ask("POST", f"{V1}/{path}", body, **{"X_CSRF_Token": csrf, **headers})

    def item(self, content_id: str, rest: str = "") -> Answer:
        return self.get(f"items/{quote(content_id, safe='')}{rest}")


@contextmanager
def serving(settings: Settings, *, operator: bool = False, **headers: str) -> Iterator[Client]:
    """A client of a server that runs within the block."""
    began, ended = Event(), Event()
    told: list[Any] = []

    async def run() -> None:
        async with WebServer(settings, operator=operator) as server:
            told.append(server)
            began.set()
            await asyncio.to_thread(ended.wait)

    def body() -> None:
        try:
            asyncio.run(run())
        except Exception as error:  # noqa: BLE001  # it is raised where the block begins
            told.append(error)
            began.set()

    thread = Thread(target=body, daemon=True)
    thread.start()
    assert began.wait(WAIT_S)
    if isinstance(told[0], Exception):
        raise told[0]
    try:
        yield Client(told[0].url, told[0], **headers)
    finally:
        ended.set()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def until(holds: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """What it gives once that is something."""
    deadline = time.monotonic() + wait_s
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
    return found
