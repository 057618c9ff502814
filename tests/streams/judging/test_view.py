"""Verdicts over HTTP: what is there, in pages, and what is wrong with a question."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.policy.shelf import shipped_policies
from earmark.streams.health import Health
from earmark.streams.judging.metrics import AgentMetrics
from earmark.streams.judging.policy_shelf import Shelf
from earmark.streams.judging.record import Records
from earmark.streams.judging.state import Arrival, PartitionState
from earmark.streams.judging.view import Sight, ViewServer
from earmark.streams.topic import PROFILES, REVIEW_REQUESTS, VERDICTS

Payload = Callable[..., bytes]


class Served:
    """The views of two partitions, with a verdict on each of the items a, b and c."""

    def __init__(self, folder: Path, records: Records, payload: Payload) -> None:
        self.health = Health()
        self.states = [PartitionState(folder / f"{number}.sqlite") for number in range(2)]
        for at_ms, (item, policy) in enumerate((("a", "p"), ("b", "q"), ("c", "p"))):
            self.add(self.states[at_ms % 2], item, policy, at_ms, payload)
        paths = {number: state.path for number, state in enumerate(self.states)}
        sight = Sight(
            health=self.health,
            metrics=AgentMetrics().registry,
            records=records,
            paths=lambda: paths,
            shelf=lambda: Shelf.of(shipped_policies()),
            lag=lambda: {PROFILES: 3},
            rejudging=lambda: 0,
        )
        self.server = ViewServer(sight, host="127.0.0.1", port=0)

    def add(
        self, state: PartitionState, item: str, policy: str, at_ms: int, payload: Payload
    ) -> None:
        for topic in (VERDICTS, PROFILES):
            record = payload(topic, content_id=item)
            held = Arrival(
                topic=topic, partition=0, offset=1, content_id=item, payload=record, at_ms=at_ms
            )
            state.put(held)
        state.show(item, at_ms, [(policy, "r", "limit")])
        state.put_request(item, "q1", payload(REVIEW_REQUESTS, content_id=item))
        state.commit()

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer[0], answer[1] if path == "/metrics" else json.loads(answer[1])


@pytest.fixture
def served(tmp_path: Path, records: Records, payload: Payload) -> Iterator[Served]:
    served = Served(tmp_path, records, payload)
    yield served
    served.server.close()


def items(page: Any) -> list[str]:
    return [each["verdict"]["content_id"] for each in page["verdicts"]]


def test_an_item_is_shown_with_all_that_is_about_it(served: Served) -> None:
    status, item = served.get("/verdicts/b")
    assert status == 200
    parts = (item["verdict"], item["profile"], *item["requests"])
    assert [part["content_id"] for part in parts] == ["b"] * 3
    assert item["decisions"] == []


def test_pages_go_from_the_newest_to_the_oldest(served: Served) -> None:
    _, first = served.get("/verdicts?limit=2")
    _, second = served.get(f"/verdicts?limit=2&before={first['next']}")
    assert (items(first), items(second), second["next"]) == (["c", "b"], ["a"], None)


def test_pages_can_be_of_one_policy_or_effect(served: Served) -> None:
    assert items(served.get("/verdicts?policy=p")[1]) == ["c", "a"]
    assert items(served.get("/verdicts?effect=limit&policy=q")[1]) == ["b"]
    assert items(served.get("/verdicts?effect=label")[1]) == []


def test_items_are_counted_by_the_rules_that_hold(served: Served) -> None:
    _, said = served.get("/policies")
    counts = {
        (each["policy"], each["rule"], each["effect"]): each["items"] for each in said["holding"]
    }
    assert counts == {("p", "r", "limit"): 2, ("q", "r", "limit"): 1}
    assert said["judged"] == 3
    assert "comments" in [policy["policy"] for policy in said["policies"]]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/verdicts/none", 404, "NOT_FOUND"),
        ("/nothing", 404, "NOT_FOUND"),
        ("/verdicts?limit=0", 400, "BAD_REQUEST"),
        pytest.param(f"/verdicts?limit={'9' * 5000}", 400, "BAD_REQUEST", id="long"),
        ("/verdicts?before=x", 400, "BAD_REQUEST"),
        ("/verdicts?colour=red", 400, "BAD_REQUEST"),
    ],
)
def test_errors_have_types(served: Served, path: str, status: int, kind: str) -> None:
    found, body = served.get(path)
    assert (found, body["error"]["type"]) == (status, kind)


def test_health_says_what_is_behind(served: Served) -> None:
    assert served.get("/readyz")[0] == 503
    served.health.ready()
    assert served.get("/readyz")[0] == 200
    status, health = served.get("/health")
    assert (status, health["state"], health["lag"]["records"]) == (200, "READY", 3)
    served.health.failed("no broker")
    assert [served.get(path)[0] for path in ("/health", "/healthz")] == [503, 503]


def test_a_page_that_asks_by_a_name_of_its_own_is_told_nothing(served: Served) -> None:
    asked_by = [served.get("/policies", Host=name)[0] for name in ("evil.example:80", "localhost")]
    assert asked_by == [403, 200]


def test_metrics_are_for_prometheus(served: Served) -> None:
    assert "earmark_agents_judged_total" in served.get("/metrics")[1]


def test_a_port_that_is_taken_is_a_mistake_of_the_user(served: Served) -> None:
    with pytest.raises(ConfigurationError, match="cannot listen"):
        ViewServer(served.server._sight, host="127.0.0.1", port=served.server.port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("a..b", 0)])
def test_an_address_that_is_none_is_one_too(served: Served, host: str, port: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot listen"):
        ViewServer(served.server._sight, host=host, port=port)
