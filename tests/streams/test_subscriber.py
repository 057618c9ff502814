"""The subscriber: names, and what it reads from a broker."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from earmark.models.error import ConfigurationError
from earmark.processors.codec import encode_rejection
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import Rejection
from earmark.streams.commands.subscribe import line
from earmark.streams.commands.subscribe import subscribe as command
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.subscriber import ReceivedSignal, Subscription, subscribe, topics_named
from earmark.streams.topic import REJECTIONS, signal_topics


def test_names_mean_topics() -> None:
    assert topics_named(["audio.loudness"]) == ["signals.audio.loudness.v1"]
    assert topics_named(["rejections", "rejections.v1"]) == ["rejections.v1"]
    assert topics_named(["dead-letters"]) == ["content.events.v1.dlq"]
    assert topics_named(["replay.r1.signals.audio.loudness.v1"])
    assert set(topics_named(["all"])) == {*signal_topics(), "rejections.v1"}


@pytest.mark.parametrize("names", [[], ["audio.loudnes"]])
def test_unknown_names_are_refused_with_the_known_ones(names: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"audio\.loudness"):
        topics_named(names)


def test_what_strangers_wrote_cannot_steer_the_terminal() -> None:
    signal = ReceivedSignal(
        name="x", topic="x", key="\x1b[2J", record={}, partition=0, offset=0, timestamp=0
    )
    assert "\x1b" not in line(signal)


@dataclass
class Publisher:
    """Publishes rejections in transactions that are committed or not."""

    stack: Stack
    run: str

    def __post_init__(self) -> None:
        with Registry(self.stack.settings.registry) as registry:
            self.schema_id = registry.ids_for_worker([REJECTIONS])[REJECTIONS]
        config = producer_config(self.stack.settings.kafka, {"transactional.id": self.run})
        self.producer = Producer(config)
        self.producer.init_transactions(30)

    def rejection(self, name: str) -> bytes:
        error = ContentError(RejectionClass.MEDIA_GONE, name, part="audio")
        event = ContentEvent(event_id=name, content_id=name)
        return encode_rejection(Rejection(event=event, error=error), self.schema_id)

    def publish(self, *values: bytes | None, commit: bool = True) -> None:
        self.producer.begin_transaction()
        for value in values:
            self.producer.produce(REJECTIONS, value, self.run, headers={"ce_id": b"1"})
        self.producer.flush(10)
        if commit:
            self.producer.commit_transaction(10)
        else:
            self.producer.abort_transaction(10)


@pytest.fixture
def publisher(stack: Stack) -> Publisher:
    return Publisher(stack, uuid4().hex)


@pytest.fixture
def subscription(publisher: Publisher) -> Iterator[Subscription]:
    with subscribe("rejections", settings=publisher.stack.settings, timeout_s=60) as made:
        yield made


@pytest.mark.kafka
def test_committed_records_are_read_typed_and_aborted_ones_are_not(
    publisher: Publisher, subscription: Subscription
) -> None:
    publisher.publish(publisher.rejection("aborted"), commit=False)
    publisher.publish(publisher.rejection("committed"))
    signal = next(subscription)
    assert (signal.name, signal.topic, signal.key) == ("rejections", REJECTIONS, publisher.run)
    assert (signal.record["content_id"], signal.record["rejection_class"]) == (
        "committed",
        "MEDIA_GONE",
    )
    assert signal.headers == {"ce_id": b"1"}
    assert abs(signal.timestamp / 1000 - time.time()) < 60


@pytest.mark.kafka
def test_undecodable_records_are_counted_and_passed_over(
    publisher: Publisher, subscription: Subscription
) -> None:
    publisher.publish(b"not Avro", b"\0\0\0\xff\xff", publisher.rejection("good"))
    assert next(subscription).record["content_id"] == "good"
    assert subscription.undecodable == 2


@pytest.mark.kafka
def test_a_deletion_is_a_record_without_fields(
    publisher: Publisher, subscription: Subscription
) -> None:
    publisher.publish(None)
    signal = next(subscription)
    assert (signal.deleted, signal.record) == (True, {})


@pytest.mark.kafka
def test_it_ends_when_nothing_has_come_for_the_time_given(publisher: Publisher) -> None:
    with subscribe("rejections", settings=publisher.stack.settings, timeout_s=0.5) as made:
        began = time.monotonic()
        assert list(made) == []
        assert time.monotonic() - began < 30


@pytest.mark.kafka
def test_a_group_goes_on_where_it_was(publisher: Publisher) -> None:
    settings, group = publisher.stack.settings, f"group-{publisher.run}"
    names = []
    for name in ("first", "second"):
        publisher.publish(publisher.rejection(name))
        with subscribe(
            "rejections",
            settings=settings,
            group_id=group,
            from_beginning=True,
            where=f"content_id={name}",
            timeout_s=20,
        ) as made:
            names.append(next(made).record["content_id"])
    assert names == ["first", "second"]


@pytest.mark.kafka
def test_the_command_prints_what_the_conditions_let_through(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"item-{publisher.run}"
    publisher.publish(publisher.rejection("other"), publisher.rejection(name))
    settings = publisher.stack.settings
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("EARMARK_REGISTRY__URL", settings.registry.url)
    ask = ["rejections", "--from-beginning", "--where", f"content_id={name}", "--max", "1"]
    told = CliRunner().invoke(command, [*ask, "--json"], catch_exceptions=False)
    found = json.loads(told.stdout)
    assert (found["content_id"], found["signal"]) == (name, "rejections")
    assert found["kafka"]["headers"] == {"ce_id": "1"}
    told = CliRunner().invoke(command, ask, catch_exceptions=False)
    assert "REJECTED   audio: MEDIA_GONE" in told.stdout
