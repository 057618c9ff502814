"""Whether traces are made: as OpenTelemetry's variables say, and never by themselves."""

import gzip
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.metrics import Metrics
from earmark.streams.observer import Observer, observer_for
from earmark.streams.settings import TracesSettings, load_settings

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        ({ENDPOINT: HERE}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{HERE}/v1/traces"}, True),
        ({"EARMARK_TRACES__ENDPOINT": f"{HERE}/v1/traces"}, True),
        ({ENDPOINT: HERE, "OTEL_SDK_DISABLED": "true"}, False),
        ({ENDPOINT: HERE, "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_made_only_where_a_collector_is_named(
    variables: dict[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().traces.asked is asked
    assert (type(observer_for(load_settings(), Metrics())) is Observer) is not asked


def test_without_opentelemetry_who_asks_for_traces_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings(traces=TracesSettings(endpoint=HERE))
    monkeypatch.delitem(sys.modules, "earmark.streams.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'earmark\[otel\]'"):
        observer_for(settings, Metrics())


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent to it."""

    taken: Queue[tuple[str, bytes]] = Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.put((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Record:
    """What is asked of a Kafka message."""

    def topic(self) -> str:
        return "content.events.v1"

    def partition(self) -> int:
        return 0

    offset = partition

    def headers(self) -> list[tuple[str, bytes]]:
        return []


def test_spans_reach_the_collector_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{server.server_port}")
        observer = observer_for(load_settings(), Metrics())
        message: Any = Record()
        observer.begin(message).finish()
        observer.close()
        path, body = Collector.taken.get(timeout=60)
        server.shutdown()
    assert path == "/v1/traces"
    sent = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    assert b"earmark-worker" in sent
    assert b"process content.events.v1" in sent
