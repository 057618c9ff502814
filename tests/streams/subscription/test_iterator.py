"""Subscriptions on a broker: where they begin, how they hand over, what they read."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import uuid4

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from earmark.models.error import ConfigurationError
from earmark.processors.error import RejectionClass
from earmark.processors.schema import schema_of
from earmark.streams.subscriber import ReceivedSignal, Subscription, subscribe

pytestmark = [pytest.mark.kafka]
SAFETY = "signals.text.safety.v1"


@pytest.fixture
def hundred(own_topic: Any) -> Any:
    """The topic with items 0 to 99."""
    for number in range(100):
        own_topic.put(str(number))
    own_topic.flush()
    return own_topic


@contextmanager
def reading(topic: Any, **asked: Any) -> Iterator[Subscription]:
    with subscribe(topic.name, settings=topic.settings, timeout_s=20, **asked) as made:
        yield made


def keys(signals: Iterable[ReceivedSignal]) -> list[str]:
    return [signal.key for signal in signals]


def some(subscription: Subscription, number: int) -> list[str]:
    return [next(subscription).key for _ in range(number)]


def test_a_stored_position_goes_on_behind_what_was_handed_over(hundred: Any) -> None:
    with reading(hundred, from_beginning=True) as first:
        before = some(first, 30)
        stored = json.dumps(first.position())
    with reading(hundred, start=json.loads(stored)) as second:
        after = some(second, 70)
    assert sorted(before + after, key=int) == [str(number) for number in range(100)]


def test_from_now_on_its_position_is_the_end(hundred: Any) -> None:
    with reading(hundred) as now:
        position = now.position()
    assert sum(position.values()) == 100
    hundred.put("new")
    hundred.flush()
    with reading(hundred, start=position) as then:
        assert next(then).key == "new"


def test_a_start_on_a_partition_that_is_not_there_is_refused(own_topic: Any) -> None:
    with (
        pytest.raises(ConfigurationError, match="which is not there"),
        reading(own_topic, start={f"{own_topic.name}:7": 0}),
    ):
        pass


def test_since_a_time_begins_with_what_the_broker_took_then(hundred: Any) -> None:
    with reading(hundred, from_beginning=True) as signals:
        last_ms = max(next(signals).timestamp for _ in range(100))
    while time.time() * 1000 <= last_ms + 1:  # the broker's clock is this one
        time.sleep(0.001)
    hundred.put("new")
    hundred.flush()
    with reading(hundred, since="1970-01-01T00:00:00Z") as signals:
        assert len(some(signals, 101)) == 101
    with reading(hundred, since=datetime.fromtimestamp((last_ms + 1) / 1000, UTC)) as signals:
        assert next(signals).key == "new"


def test_filters_choose_by_type_label_and_score_and_deletions_pass_on_request(
    own_topic: Any,
) -> None:
    own_topic.put("a", content_type="TRACK", labels=["hate"], scores={"hate": 0.9})
    own_topic.put("b", content_type="COMMENT", labels=["hate"], scores={"hate": 0.9})
    own_topic.put("c", content_type="TRACK", labels=["hate"], scores={"hate": 0.6})
    own_topic.put_bytes("d", None)
    own_topic.put("end", content_type="TRACK", labels=["hate"], scores={"hate": 1.0})
    own_topic.flush()
    asked: dict[str, Any] = {"content_type": "TRACK", "label": "hate", "min_score": 0.8}
    with reading(own_topic, from_beginning=True, **asked) as signals:
        assert set(some(signals, 2)) == {"a", "end"}
    with reading(own_topic, from_beginning=True, deletions=True, **asked) as signals:
        assert set(some(signals, 3)) == {"a", "d", "end"}


def test_without_auto_commit_what_was_not_committed_comes_again(hundred: Any) -> None:
    group: dict[str, Any] = {
        "group_id": f"g-{uuid4().hex}",
        "from_beginning": True,
        "auto_commit": False,
    }
    with reading(hundred, **group) as first:
        handled = some(first, 40)
        first.commit()
        some(first, 20)
    with reading(hundred, **group) as second:
        assert sorted(handled + some(second, 60), key=int) == [str(n) for n in range(100)]


def test_with_it_an_error_lets_the_record_in_hand_come_again_and_no_other(hundred: Any) -> None:
    group: dict[str, Any] = {"group_id": f"g-{uuid4().hex}", "from_beginning": True}
    seen: list[str] = []
    with pytest.raises(ArithmeticError), reading(hundred, **group) as first:
        fail_after(40, first, seen)
    with reading(hundred, **group) as second:
        rest = some(second, 61)
    assert seen[-1] in rest
    assert sorted(seen[:-1] + rest, key=int) == [str(number) for number in range(100)]


def test_a_commit_without_a_group_is_refused(hundred: Any) -> None:
    with reading(hundred) as signals, pytest.raises(ConfigurationError, match="group_id"):
        signals.commit()


def test_records_of_older_and_newer_schemas_are_read_and_one_of_none_is_counted(
    own_topic: Any,
) -> None:
    ours = schema_of(SAFETY).definition
    older = {**ours, "fields": [it for it in ours["fields"] if it["name"] != "severity"]}
    added = {"name": "mood", "type": "string", "default": "calm"}
    newer = {**ours, "fields": [*ours["fields"], added]}
    registry = SchemaRegistryClient({"url": own_topic.settings.registry.url})
    for key, schema in (("older", older), ("newer", newer)):
        subject = f"{own_topic.name}-{key}-value"
        schema_id = registry.register_schema(subject, Schema(json.dumps(schema), "AVRO"))
        own_topic.put_bytes(key, _written(own_topic.record(key, mood="wild"), schema, schema_id))
    registry.close()
    own_topic.put_bytes("unknown", b"\0" + (2_000_000_000).to_bytes(4) + b"\2")
    own_topic.put("ours")
    own_topic.flush()
    with reading(own_topic, from_beginning=True) as signals:
        read = {signal.key: signal.record for signal in (next(signals) for _ in range(3))}
        position = signals.position()
        assert signals.unreadable == {RejectionClass.RECORD_SCHEMA_UNKNOWN: 1}
    assert read["older"] == own_topic.record("older", severity=None)
    assert read["newer"] == own_topic.record("newer")
    assert read["ours"] == own_topic.record("ours")
    assert sum(position.values()) == 4  # it was passed over, and does not come again


def fail_after(number: int, signals: Subscription, seen: list[str]) -> None:
    for signal in signals:
        seen.append(signal.key)
        if len(seen) == number:
            raise ArithmeticError("the caller's work fails")


def _written(record: dict[str, Any], schema: Any, schema_id: int) -> bytes:
    body = BytesIO(b"\0" + schema_id.to_bytes(4))
    body.seek(5)
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(json.dumps(schema))), record)
    return body.getvalue()
