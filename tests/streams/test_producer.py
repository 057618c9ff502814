"""The producer of content events: what it refuses itself, and what arrives at a broker."""

from dataclasses import replace

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from earmark.models.error import ServiceError
from earmark.processors.codec import decode_event
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.error import ContentError
from earmark.streams.local.port import free_port
from earmark.streams.local.stack import Stack
from earmark.streams.producer import Producer, encoded
from earmark.streams.settings import Settings, load_settings
from earmark.streams.topic import CONTENT_EVENTS

EVENT = ContentEvent(
    event_id="e",
    content_id="produced/é",
    event_time=1_700_000_000_000,
    source="tests",
    texts=(Text(field="title", text="Words"),),
)


def with_text(text: str) -> ContentEvent:
    return replace(EVENT, texts=(Text(field="title", text=text),))


@pytest.mark.parametrize(
    ("event", "rejection_class", "part"),
    [
        (with_text("x" * 10_000_000), "TEXT_TOO_LONG", "texts.title"),
        (with_text("\ud800"), "TEXT_INVALID", "texts.title"),
        (replace(EVENT, audio=Audio(data=bytes(5_000_000))), "RECORD_TOO_LARGE", "record"),
        (replace(EVENT, content_id=""), "RECORD_INVALID", "record"),
        (replace(EVENT, texts=()), "RECORD_INVALID", "record"),
    ],
)
def test_what_no_worker_could_read_is_refused(
    event: ContentEvent, rejection_class: str, part: str
) -> None:
    with pytest.raises(ContentError) as caught:
        encoded(event, 1)
    assert (caught.value.rejection_class, caught.value.part) == (rejection_class, part)


def test_a_broker_that_is_not_there_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.streams.producer.ANSWER_S", 1.0)
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError, match=servers):
        Producer(load_settings(), bootstrap_servers=servers)


@pytest.mark.kafka
def test_events_arrive_with_key_headers_and_value(stack: Stack) -> None:
    with Producer(stack.settings) as producer:
        producer.send(EVENT, headers={"traceparent": b"00-1-2-01"})
        producer.send(with_text("x" * 1_000_000))  # the worker's to reject, not ours
    assert producer.delivered == 2
    messages = read_all(stack.settings, EVENT.content_id)
    assert [decode_event(message.value() or b"") for message in messages] == [
        EVENT,
        with_text("x" * 1_000_000),
    ]
    headers = dict(messages[0].headers() or [])  # type: ignore[arg-type]  # pairs, when read
    assert headers["ce_id"] == b"e"
    assert headers["ce_type"] == CONTENT_EVENTS.encode()
    assert headers["ce_time"] == b"2023-11-14T22:13:20.000Z"
    assert headers["content-type"] == b"application/avro"
    assert headers["traceparent"] == b"00-1-2-01"


@pytest.mark.kafka
def test_what_fails_halfway_through_a_block_is_raised(stack: Stack) -> None:
    with pytest.raises(ContentError), Producer(stack.settings) as producer:
        producer.send(replace(EVENT, event_id=""))


def read_all(settings: Settings, key: str) -> list[Message]:
    """All records under the key; they lie on one partition, in order."""
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": "test-producer"}
    )
    partitions = consumer.list_topics(CONTENT_EVENTS).topics[CONTENT_EVENTS].partitions
    consumer.assign([TopicPartition(CONTENT_EVENTS, p, OFFSET_BEGINNING) for p in partitions])
    found: list[Message] = []
    while len(found) < 2:
        message = consumer.poll(10)
        assert message is not None
        if message.key() == key.encode():
            found.append(message)
    consumer.close()
    return found
