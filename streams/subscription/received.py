"""What a subscriber gets: a record that was read, or word of one that could not be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Message

from earmark.processors.codec import Codec
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import schema_of
from earmark.streams.registry import Registry
from earmark.streams.subscription.name import holds_bytes, live_topic, name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSignal:
    """One record of a topic of signals, rejections or dead letters.

    `name` is that of the signal (`audio.loudness`), or `rejections` or `dead-letters`. `record`
    has the fields of the topic's schema, times in milliseconds since the epoch; it is empty for a
    deletion, and for a dead letter, whose original bytes are in `value`. `timestamp` is when the
    broker took the record, in milliseconds since the epoch.
    """

    name: str
    topic: str
    key: str
    record: Mapping[str, Any]
    deleted: bool = False
    headers: Mapping[str, bytes] = field(default_factory=dict)
    partition: int
    offset: int
    timestamp: int
    value: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRecord:
    """A record that is none of its topic's schema, or whose schema nobody knows."""

    topic: str
    key: str
    partition: int
    offset: int
    timestamp: int
    rejection_class: RejectionClass
    reason: str


def codec_of(topic: str, registry: Registry) -> Codec | None:
    """How records of the topic are read; None for dead letters, which may be any bytes."""
    if holds_bytes(topic):
        return None
    return Codec(schema_of(live_topic(topic)), writer_schema=registry.schema_by_id)


def received(
    message: Message, topic: str, codec: Codec | None
) -> ReceivedSignal | UnreadableRecord:
    """The record of a message of the topic; ServiceError where the registry does not answer."""
    try:
        return _read(message, topic, codec)
    except ContentError as error:
        return UnreadableRecord(
            topic=topic,
            key=_key(message),
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            timestamp=message.timestamp()[1],
            rejection_class=error.rejection_class,
            reason=error.reason,
        )


def _read(message: Message, topic: str, codec: Codec | None) -> ReceivedSignal:
    value = message.value()
    headers: Sequence[tuple[str, object]] = message.headers() or ()  # type: ignore[assignment]  # a list of pairs when read
    return ReceivedSignal(
        name=name_of(topic),
        topic=topic,
        key=_key(message),
        record={} if codec is None or value is None else codec.decode(value),
        deleted=value is None,
        headers={name: content for name, content in headers if isinstance(content, bytes)},
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        value=value,
    )


def _key(message: Message) -> str:
    return (message.key() or b"").decode(errors="replace")
