"""Every record of some items on Kafka: where it lies, and whether it holds anything of them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from confluent_kafka import Message

from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.content import Change
from earmark.processors.error import ContentError
from earmark.processors.schema import RECEIPTS, newest, schema_of, schemas
from earmark.streams.erased_item import is_erased
from earmark.streams.erasure import Reach, Store, store_of
from earmark.streams.lifetime import Lifetime
from earmark.streams.receipt import NOT_ANSWERED
from earmark.streams.registry import Registry
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    RESTRICTED_PREFIX,
    Cluster,
    dead_letter_topic,
    describe_cluster,
    retry_topic,
)
from earmark.streams.topic_records import read_topic

_OF_RUNS = ("replay.", "shadow.")  # and the name of the run, before that of a live topic
OURS = ("content.", "signals.", RESTRICTED_PREFIX, "rejections.", "verdicts.", "review.", *_OF_RUNS)
EVENT_TOPICS = frozenset(
    {
        CONTENT_EVENTS,
        LONG_EVENTS,
        ITEMS,
        retry_topic(CONTENT_EVENTS),
        dead_letter_topic(CONTENT_EVENTS),
    }
)


class Kind(StrEnum):
    """What the records of a topic are."""

    EVENT = "EVENT"
    RECEIPT = "RECEIPT"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One record of an item.

    `empty` says that it holds nothing of the content: a tombstone, an event that only deletes, a
    receipt without answers. `revision` is that of an event or a receipt that could be read.
    """

    partition: int
    offset: int
    arrived_ms: int
    empty: bool
    revision: int | None = None
    event_id: str | None = None


@dataclass(slots=True, kw_only=True)
class TopicTraces:
    """What a topic holds of some items: their records by `content_id`, in the order of places.

    `newest_ms` is when the last record of any item came, by partition.
    """

    topic: str
    store: Store | None
    kind: Kind
    lifetime: Lifetime
    records: dict[str, list[Trace]] = field(default_factory=lambda: defaultdict(list))
    newest_ms: dict[int, int] = field(default_factory=dict)


class Tracer:
    """Finds the records of items by key, and by the `content_id` in records under other keys.

    Sees what is committed. For one thread; `report` is told how far each topic is read.
    """

    def __init__(self, kafka: KafkaSettings, registry: Registry, report: Progress) -> None:
        self._kafka = kafka
        self._registry = registry
        self._report = report
        self.cluster: Cluster = describe_cluster(kafka, self._is_ours)

    def receipts(self, items: Collection[str]) -> list[TopicTraces]:
        """What the topics of receipts hold of the items, those of every group of workers."""
        rows = {topic: self._store(topic) for topic in self.cluster.configs}
        found = [topic for topic, row in rows.items() if row and row.reach is Reach.EMPTIED]
        return [self._traces(topic, items) for topic in found]

    def everywhere(self, items: Collection[str]) -> list[TopicTraces]:
        """What each of our topics on the cluster holds of the items."""
        rows = {topic: self._store(topic) for topic in self.cluster.configs}
        found = [it for it, row in rows.items() if not row or row.reach is not Reach.NO_CONTENT]
        return [self._traces(topic, items) for topic in found]

    def _is_ours(self, topic: str) -> bool:
        return topic.startswith(OURS) or self._store(topic) is not None

    def _store(self, topic: str) -> Store | None:
        return store_of(topic, receipts_topic=self._kafka.receipts_topic)

    def _traces(self, topic: str, items: Collection[str]) -> TopicTraces:
        store = self._store(topic)
        kind = _kind(topic, store)
        lifetime = Lifetime.of(self.cluster.configs[topic])
        found = TopicTraces(topic=topic, store=store, kind=kind, lifetime=lifetime)
        codec = self._codec(topic, kind)
        names = {item.encode(): item for item in items}
        for message in read_topic(self._kafka, topic, self._report):
            found.newest_ms[message.partition() or 0] = message.timestamp()[1]
            for item, trace in _traced(message, names, codec, kind):
                found.records[item].append(trace)
        return found

    def _codec(self, topic: str, kind: Kind) -> Codec | None:
        """How its records are read; None for those of which the key alone is known."""
        if kind is Kind.RECEIPT:
            return self._read_as(RECEIPTS)
        live = topic.split(".", 2)[-1] if topic.startswith(_OF_RUNS) else topic
        name = CONTENT_EVENTS if live in EVENT_TOPICS else live.removeprefix(RESTRICTED_PREFIX)
        return self._read_as(name) if name in newest(schemas()) else None

    def _read_as(self, topic: str) -> Codec:
        return Codec(schema_of(topic), writer_schema=self._registry.schema_by_id)


def _kind(topic: str, store: Store | None) -> Kind:
    if store is not None and store.reach is Reach.EMPTIED:
        return Kind.RECEIPT
    return Kind.EVENT if topic in EVENT_TOPICS else Kind.OTHER


def _traced(
    message: Message, names: Mapping[bytes, str], codec: Codec | None, kind: Kind
) -> Iterator[tuple[str, Trace]]:
    """The items whose record it is, of those that are looked for, with its trace."""
    key, value = message.key() or b"", message.value()
    inside = [] if codec is None else [names[name] for name in names if name in (value or b"")]
    if key not in names and not inside:
        return
    record = _decoded(value, codec)
    trace = Trace(
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        arrived_ms=message.timestamp()[1],
        empty=value is None or (record is not None and _holds_nothing(record, kind)),
        revision=record["revision"] if record and kind is not Kind.OTHER else None,
        event_id=record["event_id"] if record and kind is not Kind.OTHER else None,
    )
    if key in names:
        yield names[key], trace
    for item in inside:
        # what cannot be read may be theirs
        if item.encode() != key and (record is None or record.get("content_id") == item):
            yield item, trace


def _decoded(value: bytes | None, codec: Codec | None) -> Mapping[str, Any] | None:
    try:
        return None if codec is None or value is None else codec.decode(value)
    except ContentError:
        return None


def _holds_nothing(record: Mapping[str, Any], kind: Kind) -> bool:
    if kind is Kind.RECEIPT:
        return is_erased(record)
    if kind is Kind.EVENT:
        parts = record["audio"] or record["texts"] or record["attributes"]
        return record["change"] == Change.DELETED and not parts
    return False


def erased_revision(receipts: Collection[TopicTraces], item: str) -> int:
    """The revision up to which events of the item are superseded by its deletion.

    The least that the last receipts say, of all groups and partitions; NOT_ANSWERED where any of
    them still has answers, or there is none.
    """
    last = [trace for traces in receipts for trace in last_of(traces.records.get(item, []))]
    return min(
        (
            NOT_ANSWERED if not trace.empty or trace.revision is None else trace.revision
            for trace in last
        ),
        default=NOT_ANSWERED,
    )


def last_of(traces: Collection[Trace]) -> list[Trace]:
    """The last record of each partition."""
    return list({trace.partition: trace for trace in traces}.values())
