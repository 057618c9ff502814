"""Topics are made as the contract has them, once, and never changed."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # not marked
from pydantic import SecretStr

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.loader import load_specs
from earmark.streams.kafka import client_config
from earmark.streams.local.broker import Broker
from earmark.streams.settings import KafkaSettings, Settings, load_settings
from earmark.streams.topic import (
    CONTENT_EVENTS,
    REJECTIONS,
    Topic,
    contract,
    create_topics,
    signal_topics,
    topic_states,
)

DAY_MS = 24 * 60 * 60 * 1000


def config(name: str) -> dict[str, str]:
    return next(dict(topic.config) for topic in contract() if topic.name == name)


def at(broker: Broker, partitions: int = 2) -> Settings:
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, partitions=partitions)
    return load_settings(kafka=kafka)


def test_there_is_a_topic_for_all_that_is_read_or_written() -> None:
    assert [topic.name for topic in contract()] == [
        "content.events.v1",
        "content.events.long.v1",
        "content.events.v1.retry",
        "content.events.v1.dlq",
        "content.items.v1",
        "content.promotions.v1",
        "rejections.v1",
        "content.receipts.v1",
        *signal_topics(),
        "restricted.signals.audio.transcript.v1",
        "restricted.signals.text.pii.v1",
        "content.profile.v1",
        "verdicts.v1",
        "review.decisions.v1",
        "review.requests.v1",
        "signal.stats.v1",
        "signal.alerts.v1",
    ]
    assert set(signal_topics()) == {spec.topic for spec in load_specs().values()}


@pytest.mark.parametrize("topic", contract(), ids=lambda topic: topic.name)
def test_every_topic_counts_time_from_arrival(topic: Topic) -> None:
    assert topic.config["message.timestamp.type"] == "LogAppendTime"


def test_signals_keep_a_week_of_history_and_then_one_answer_per_item() -> None:
    signal = config("signals.audio.loudness.v1")
    assert signal["cleanup.policy"] == "compact"
    assert int(signal["min.compaction.lag.ms"]) == 7 * DAY_MS
    assert int(signal["max.compaction.lag.ms"]) == 8 * DAY_MS


@pytest.mark.parametrize("name", [CONTENT_EVENTS, f"{CONTENT_EVENTS}.dlq", REJECTIONS])
def test_events_and_what_became_of_them_are_kept_for_thirty_days(name: str) -> None:
    assert config(name)["cleanup.policy"] == "delete"
    assert int(config(name)["retention.ms"]) == 30 * DAY_MS


@pytest.mark.parametrize("copy", ["long.v1", "v1.retry", "v1.dlq"])
def test_a_copy_of_the_largest_event_fits_with_what_is_said_of_it(copy: str) -> None:
    limit = int(config(CONTENT_EVENTS)["max.message.bytes"])
    assert int(config(f"content.events.{copy}")["max.message.bytes"]) > limit + 100_000


def test_a_broker_that_is_not_there_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.streams.topic.ANSWER_S", 0.2)
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:9"):
        create_topics(load_settings(kafka=kafka))


def test_settings_that_librdkafka_does_not_know_are_the_users() -> None:
    kafka = KafkaSettings(client={"no.such.setting": SecretStr("x")})
    with pytest.raises(ConfigurationError, match=r"no\.such\.setting"):
        create_topics(load_settings(kafka=kafka))


@pytest.fixture
def empty(broker: Broker) -> Iterator[Broker]:
    """The broker without any of our topics."""
    yield broker
    admin = AdminClient(client_config(at(broker).kafka))
    names = {topic.name for topic in contract()}
    there = admin.list_topics(timeout=10).topics.keys() & names
    for future in admin.delete_topics(sorted(there)).values() if there else ():
        future.result(10)
    while admin.list_topics(timeout=10).topics.keys() & names:
        time.sleep(0.05)  # deleted topics are listed for a moment


@pytest.mark.kafka
def test_topics_are_made_once_and_are_then_as_agreed(empty: Broker) -> None:
    made = create_topics(at(empty))
    assert all(state.created and state.partitions == 2 for state in made)
    again = create_topics(at(empty))
    assert not any(state.created or state.differs for state in again)


@pytest.mark.kafka
def test_missing_topics_are_listed_as_such(empty: Broker) -> None:
    assert {state.differs for state in topic_states(at(empty))} == {("is not there",)}


@pytest.mark.kafka
def test_a_topic_that_differs_is_reported_and_left_alone(empty: Broker) -> None:
    admin = AdminClient(client_config(at(empty).kafka))
    other = NewTopic(REJECTIONS, num_partitions=3, config={"retention.ms": "1000"})
    admin.create_topics([other])[REJECTIONS].result(10)
    states = {state.name: state for state in create_topics(at(empty))}
    assert not states[REJECTIONS].created
    assert states[REJECTIONS].differs == (
        "partitions=3, not 2",
        "message.timestamp.type=CreateTime, not LogAppendTime",
        f"retention.ms=1000, not {30 * DAY_MS}",
        f"segment.ms={7 * DAY_MS}, not {DAY_MS}",
    )
