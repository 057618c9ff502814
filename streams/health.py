"""How the worker is, over HTTP: `/healthz`, `/readyz` and Prometheus `/metrics`."""

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from earmark.models.error import ConfigurationError

_REQUEST_S = 10.0  # a client that sends no request is let go


class State(StrEnum):
    """The life of a worker; it goes down this list, and can fail at any time."""

    STARTING = "STARTING"  # loading models, joining the group
    READY = "READY"
    DRAINING = "DRAINING"  # finishing what it has, taking nothing new
    FAILED = "FAILED"  # cannot go on and is about to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A state and, where there is one, the reason for it."""

    state: State
    reason: str | None = None


_ORDER = list(State)


class Health:
    """The worker's condition: set by the worker, read by the server. It never goes back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._condition = Condition(state=State.STARTING)

    @property
    def condition(self) -> Condition:
        """How it is now."""
        return self._condition

    def ready(self) -> None:
        """Everything is loaded and the group is joined."""
        self._enter(State.READY)

    def draining(self, reason: str | None = None) -> None:
        """No new events are taken."""
        self._enter(State.DRAINING, reason)

    def failed(self, reason: str) -> None:
        """The worker cannot go on."""
        self._enter(State.FAILED, reason)

    def _enter(self, state: State, reason: str | None = None) -> None:
        with self._lock:
            if _ORDER.index(state) > _ORDER.index(self._condition.state):
                self._condition = Condition(state=state, reason=reason)


class HealthServer:
    """Serves until `close`; port 0 takes a free one, `port` says which.

    `/healthz` answers 200 unless the worker has failed, `/readyz` 200 only when it is ready, else
    both 503; the body is `{"state", "reason"}`. Raises ConfigurationError for a port that is taken.
    """

    def __init__(
        self, health: Health, registry: CollectorRegistry, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        handler = type("Handler", (_Handler,), {"health": health, "registry": registry})
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_port
        self._thread = Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="health",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    health: Health
    registry: CollectorRegistry
    timeout = _REQUEST_S

    def do_GET(self) -> None:  # the name that http.server looks for
        condition = self.health.condition
        match self.path.partition("?")[0]:
            case "/healthz":
                self._say(condition, well=condition.state != State.FAILED)
            case "/readyz":
                self._say(condition, well=condition.state == State.READY)
            case "/metrics":
                self._send(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self.registry))
            case _:
                self._send(404, "text/plain", b"/healthz, /readyz or /metrics\n")

    def _say(self, condition: Condition, *, well: bool) -> None:
        body = {"state": condition.state, "reason": condition.reason}
        self._send(200 if well else 503, "application/json", json.dumps(body).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # a probe does not always wait for its answer
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds: not a word of them."""
