"""Health and metrics over HTTP."""

import json
import socket
import struct
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.budget import Budget
from earmark.streams.health import Health, HealthServer
from earmark.streams.metrics import Metrics


class Served:
    def __init__(self) -> None:
        self.health = Health()
        self.metrics = Metrics()
        self.server = HealthServer(self.health, self.metrics.registry)

    def get(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.server.close()


def statuses(served: Served) -> tuple[int, int]:
    return served.get("/healthz")[0], served.get("/readyz")[0]


def test_a_worker_is_ready_only_between_start_and_drain(served: Served) -> None:
    assert statuses(served) == (200, 503)
    served.health.ready()
    assert statuses(served) == (200, 200)
    served.health.draining("SIGTERM")
    assert statuses(served) == (200, 503)
    served.health.failed("the broker is gone")
    assert statuses(served) == (503, 503)


def test_a_probe_that_does_not_wait_is_passed_over(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.server.port)) as probe:
            at_once = struct.pack("ii", 1, 0)  # what was received is not waited for: a reset
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            probe.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert served.get("/healthz")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_the_reason_is_said(served: Served) -> None:
    served.health.failed("the broker is gone")
    assert json.loads(served.get("/readyz")[1]) == {
        "state": "FAILED",
        "reason": "the broker is gone",
    }


def test_a_worker_that_has_failed_is_not_ready_again(served: Served) -> None:
    served.health.failed("once")
    served.health.ready()
    assert statuses(served) == (503, 503)


def test_metrics_are_served(served: Served) -> None:
    served.metrics.signals.labels(signal="audio.loudness", outcome="OK").inc(3)
    served.metrics.stage_seconds.labels(stage="publish").observe(0.02)
    status, text = served.get("/metrics")
    assert status == 200
    assert 'earmark_signals_total{outcome="OK",signal="audio.loudness"} 3.0' in text
    assert 'earmark_stage_seconds_bucket{le="0.03",stage="publish"} 1.0' in text


def test_a_budget_that_was_lowered_for_want_of_memory_is_shown_as_it_is(served: Served) -> None:
    budget = Budget(240)
    served.metrics.watch({"audio.transcript": budget})
    budget.lower(240)
    _, text = served.get("/metrics")
    assert 'earmark_batch_share_ratio{signal="audio.transcript"} 0.5' in text
    assert 'earmark_memory_shortages_total{signal="audio.transcript"} 1.0' in text


def test_other_paths_are_not_found(served: Served) -> None:
    assert served.get("/")[0] == 404


def test_a_port_that_is_taken_is_said_in_one_line(served: Served) -> None:
    with pytest.raises(ConfigurationError, match=str(served.server.port)):
        HealthServer(Health(), Metrics().registry, port=served.server.port)
