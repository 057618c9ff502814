"""Who may not read a signal as it is reads its twin; both go where the answer goes."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import confluent_kafka
import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import Change, ContentEvent, Text
from earmark.processors.schema import schema_of
from earmark.processors.wire import Codec
from earmark.streams.access import readable_topics
from earmark.streams.catalogue import catalogue
from earmark.streams.erasure import erased_by_tombstone
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.promotion import PROMOTE_TO
from earmark.streams.registry import Registry
from earmark.streams.restriction import restricted_by
from earmark.streams.settings import Settings, WorkerSettings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import PROMOTIONS, create_topics, restricted_topic, restricted_topics

TOPIC = "signals.text.pii.v1"
WHOLE = "restricted.signals.text.pii.v1"
TEXT = "Maria from Ghent: write to eva@example.org"
LIMIT_S = 120.0


def test_only_signals_with_a_twin_can_be_restricted() -> None:
    assert restricted_by(Settings(worker=WorkerSettings(restricted=("text.pii",)))) == {TOPIC}
    with pytest.raises(ConfigurationError, match=r"'text\.safety' has no redacted twin"):
        restricted_by(Settings(worker=WorkerSettings(restricted=("text.safety",))))


def test_a_signal_without_a_twin_has_no_restricted_topic() -> None:
    assert restricted_topic(TOPIC) == WHOLE
    assert restricted_topic("signals.audio.loudness.v1") is None
    assert set(restricted_topics()) <= set(erased_by_tombstone())


def test_the_twin_is_open_and_the_whole_is_for_its_class_of_access() -> None:
    settings = Settings(worker=WorkerSettings(restricted=("text.pii",)))
    entries = catalogue(settings)
    assert TOPIC in readable_topics(["open"], entries, {TOPIC})
    personal = readable_topics(["personal"], entries, {TOPIC})
    assert WHOLE in personal
    assert TOPIC not in personal
    assert readable_topics([WHOLE], entries, {TOPIC}) == (WHOLE,)
    assert next(it for it in entries if it.topic == TOPIC).restricted_topic == WHOLE


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    own = {"group_id": "restriction", "receipts_topic": "restriction.receipts.v1"}
    kafka = stack.settings.kafka.model_copy(update=own)
    found = stack.settings.model_copy(update={"kafka": kafka})
    create_topics(found)
    return with_worker(found, signals=("text.pii",), restricted=("text.pii",), decoders=1)


@pytest.fixture(scope="module")
def _worker(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    process = WorkerProcess(settings, log_dir=Path(tmp_path_factory.mktemp("log")))
    process.start()
    try:
        yield
    finally:
        process.kill()


def latest(settings: Settings, item: str, count: int) -> dict[str, ReceivedSignal]:
    """The last record of the item on both topics, once each has so many."""
    found: list[ReceivedSignal] = []
    deadline = time.monotonic() + LIMIT_S
    with subscribe(TOPIC, WHOLE, settings=settings, from_beginning=True, timeout_s=1) as records:
        while time.monotonic() < deadline and len(found) < 2 * count:
            found += [record for record in records if record.key == item]
    assert len(found) == 2 * count
    return {record.topic: record for record in found}


def promote(settings: Settings, whole: ReceivedSignal) -> None:
    """Write what a promotion would, of an answer under another configuration."""
    codec = Codec(schema_of(TOPIC))
    record = dict(whole.record)
    record["provenance"] = {**record["provenance"], "config_hash": "0" * 64}
    with Registry(settings.registry) as registry:
        value = codec.encode(record, registry.id_of(schema_of(TOPIC)) or 0)
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    producer.produce(
        PROMOTIONS,
        value,
        whole.key.encode(),
        whole.partition,
        headers=[(PROMOTE_TO, TOPIC.encode())],
    )
    assert producer.flush(30) == 0


@pytest.mark.kafka
@pytest.mark.weights
@pytest.mark.usefixtures("_worker")
def test_answers_promotions_and_deletions_go_to_both_topics(settings: Settings) -> None:
    item = uuid.uuid4().hex
    event = ContentEvent(
        event_id="1", content_id=item, revision=1, texts=(Text(field="title", text=TEXT),)
    )
    with Producer(settings) as producer:
        producer.send(event)
    both = latest(settings, item, 1)
    whole, less = both[WHOLE], both[TOPIC]
    assert "Maria" in whole.record["redacted"][0]["text"]
    assert (less.record["redacted"], less.record["kinds"]) == ([], {"email": 1})
    assert less.record["signal_id"] == whole.record["signal_id"]
    assert ("earmark.redacted" in less.headers, "earmark.redacted" in whole.headers) == (
        True,
        False,
    )

    promote(settings, whole)
    both = latest(settings, item, 2)
    assert both[WHOLE].record["provenance"]["config_hash"] == "0" * 64
    assert "Maria" in both[WHOLE].record["redacted"][0]["text"]
    assert both[TOPIC].record["redacted"] == []

    with Producer(settings) as producer:
        producer.send(replace(event, event_id="2", revision=2, change=Change.DELETED, texts=()))
    both = latest(settings, item, 3)
    assert both[WHOLE].deleted
    assert both[TOPIC].deleted
