"""A bus in memory with the face of Kafka as `earmark.subscribe` and the producers show it.

What is published is encoded with Avro and decoded again, by the codec that the worker and the
subscriber use: a record that no topic would take is refused here too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Condition as Signalled
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from earmark.models.error import ConfigurationError
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import (
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    REJECTIONS,
    Definition,
    Schema,
    schema_of,
    schemas,
)
from earmark.processors.wire import Codec
from earmark.streams.condition import Condition, all_hold, parsed
from earmark.streams.testing.clock import Clock
from earmark.streams.testing.partition import partition_of
from earmark.streams.testing.record import Sample, checked, schema_named

if TYPE_CHECKING:
    from earmark.streams.subscriber import ReceivedSignal

PARTITIONS = 8  # of a topic, as `earmark topics create` makes them


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One record as it lies in a topic."""

    at: int  # its place among all records of the bus
    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None = field(repr=False)
    headers: Mapping[str, bytes]
    timestamp: int


class Bus:
    """Topics in memory; `clock` gives the records their times.

        bus = Bus()
        for sample in records("text.safety", outcome="OK"):
            bus.publish(sample)
        with bus.subscribe("text.safety", from_beginning=True, timeout_s=0) as signals:
            assert [signal.record["outcome"] for signal in signals] == ["OK"]

    For any thread. Keys go to the partitions where Kafka's clients put them. Records come to a
    reader in the order in which they were published, which is one of those that Kafka may choose.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._records: list[Stored] = []
        self._offsets: defaultdict[tuple[str, int], Iterator[int]] = defaultdict(count)
        self._committed: dict[str, int] = {}
        self._members: set[str] = set()
        self._changed = Signalled()

    def publish(
        self,
        what: Sample | str,
        record: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, bytes] | None = None,
        version: int | None = None,
    ) -> tuple[str, int, int]:
        """Publish a sample, or a record on the topic of a signal; its topic, partition and offset.

        `version` is the number of the schema (`@0`) that it is written with, the newest if None.
        Raises ContentError (RECORD_INVALID) where a value does not fit that schema, and
        ConfigurationError for a field that the signal does not have.
        """
        sample = what if isinstance(what, Sample) else _sample(what, record)
        if sample.record is None:
            return self._store(sample.topic, sample.key, None, headers or {})
        newest = schema_of(_live(sample.topic))
        writer, number = _version(newest, version)
        value = Codec(writer).encode(checked(dict(sample.record), newest), number)
        return self._store(sample.topic, sample.key, value, {**sample.headers, **(headers or {})})

    def delete(self, name: str, content_id: str) -> tuple[str, int, int]:
        """Say on the topic of a signal that the item was deleted."""
        return self._store(schema_named(name).topic, content_id, None, {})

    def publish_bytes(
        self, topic: str, key: str, value: bytes, headers: Mapping[str, bytes] | None = None
    ) -> tuple[str, int, int]:
        """Publish any bytes, also such as nobody can read."""
        return self._store(topic, key, value, headers or {})

    def subscribe(
        self,
        *names: str,
        from_beginning: bool = False,
        where: str | Sequence[str] = (),
        group_id: str | None = None,
        timeout_s: float | None = None,
        settings: object = None,
        bootstrap_servers: str | None = None,
        registry_url: str | None = None,
    ) -> "BusSubscription":
        """As `earmark.subscribe`; it ends when all was read, or if `timeout_s` is None by `stop`.

        No time passes meanwhile but by the clock. Brokers and registry are named in vain.
        """
        from earmark.streams.subscriber import topics_named

        written = [where] if isinstance(where, str) else where
        return BusSubscription(
            self,
            frozenset(topics_named(names)),
            [parsed(condition) for condition in written],
            begin=self._begin(group_id, from_beginning=from_beginning),
            group_id=group_id,
            waits=timeout_s is None,
        )

    @contextmanager
    def in_place(self) -> Iterator["Bus"]:
        """While the block runs `earmark.subscribe` reads from this bus."""
        import earmark

        there = earmark.subscribe
        earmark.subscribe = self.subscribe  # type: ignore[assignment]  # the same face
        try:
            yield self
        finally:
            earmark.subscribe = there

    def _begin(self, group_id: str | None, *, from_beginning: bool) -> int:
        if group_id in self._members:
            raise ConfigurationError(f"group {group_id} has a member: a bus in memory takes one")
        if group_id is not None:
            self._members.add(group_id)
        end = 0 if from_beginning else len(self._records)
        return self._committed.get(group_id, end) if group_id is not None else end

    def _leave(self, group_id: str, position: int) -> None:
        self._members.discard(group_id)
        self._committed[group_id] = position

    def _store(
        self, topic: str, key: str, value: bytes | None, headers: Mapping[str, bytes]
    ) -> tuple[str, int, int]:
        with self._changed:
            partition = partition_of(key.encode(), PARTITIONS)
            stored = Stored(
                at=len(self._records),
                topic=topic,
                partition=partition,
                offset=next(self._offsets[topic, partition]),
                key=key,
                value=value,
                headers=dict(headers),
                timestamp=self.clock.now_ms,
            )
            self._records.append(stored)
            self._changed.notify_all()
        return topic, partition, stored.offset

    def _next(self, at: int, stopped: Callable[[], bool], *, waits: bool) -> Stored | None:
        """The record at a place; None where there is none and nobody waits for it."""
        with self._changed:
            if waits:
                self._changed.wait_for(lambda: stopped() or at < len(self._records))
            if stopped() or at >= len(self._records):
                return None
            return self._records[at]

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class BusSubscription(Iterator["ReceivedSignal"]):
    """What `Bus.subscribe` returns, with the face of `earmark.streams.subscriber.Subscription`."""

    def __init__(
        self,
        bus: Bus,
        topics: frozenset[str],
        conditions: Sequence[Condition],
        *,
        begin: int,
        group_id: str | None,
        waits: bool,
    ) -> None:
        self._bus = bus
        self._topics = topics
        self._conditions = conditions
        self._at = begin
        self._group_id = group_id
        self._waits = waits
        self._stopped = False
        self._closed = False
        self._codecs: dict[str, Codec] = {}
        self.undecodable = 0

    def __next__(self) -> "ReceivedSignal":
        while (
            stored := self._bus._next(self._at, lambda: self._stopped, waits=self._waits)
        ) is not None:
            self._at += 1
            if stored.topic not in self._topics:
                continue
            try:
                signal = self._received(stored)
            except ContentError:
                self.undecodable += 1
                continue
            if all_hold(self._conditions, signal.record):
                return signal
        raise StopIteration

    def stop(self) -> None:
        """End the iteration, from any thread."""
        self._stopped = True
        self._bus._wake()

    def close(self) -> None:
        """End the iteration; its group goes on from here."""
        self.stop()
        if not self._closed and self._group_id is not None:
            self._bus._leave(self._group_id, self._at)
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _received(self, stored: Stored) -> "ReceivedSignal":
        from earmark.streams.subscriber import ReceivedSignal

        live = _live(stored.topic)
        is_opaque = live.endswith((".dlq", ".retry"))
        record = {} if is_opaque or stored.value is None else self._decoded(live, stored.value)
        return ReceivedSignal(
            name=_name(stored.topic, live),
            topic=stored.topic,
            key=stored.key,
            record=record,
            deleted=stored.value is None,
            headers=stored.headers,
            partition=stored.partition,
            offset=stored.offset,
            timestamp=stored.timestamp,
            value=stored.value,
        )

    def _decoded(self, live: str, value: bytes) -> Mapping[str, Any]:
        if live not in self._codecs:
            self._codecs[live] = Codec(schema_of(live), writer_schema=_definition)
        return self._codecs[live].decode(value)


def _live(topic: str) -> str:
    """The topic whose schema this one shares, such as that behind `replay.<run>.`."""
    if topic.startswith(("replay.", "shadow.")):
        return topic.split(".", 2)[-1]
    return CONTENT_EVENTS if topic in (ITEMS, LONG_EVENTS) else topic


def _name(topic: str, live: str) -> str:
    if topic == REJECTIONS:
        return "rejections"
    if topic == f"{CONTENT_EVENTS}.dlq":
        return "dead-letters"
    return (
        live.removeprefix("signals.").rpartition(".v")[0] if live.startswith("signals.") else topic
    )


def _sample(name: str, record: Mapping[str, Any] | None) -> Sample:
    """A record that was made by hand, under its item as key."""
    schema = schema_named(name)
    if record is None:
        raise ConfigurationError(f"no record for {name}: `delete` says that an item was deleted")
    key = str(record.get("content_id") or "")
    return Sample(name=name, topic=schema.topic, key=key, record=record)


def _version(newest: Schema, minor: int | None) -> tuple[Schema, int]:
    """The version asked for, and the id under which readers find it."""
    wanted = newest.minor if minor is None else minor
    for number, schema in enumerate(schemas(), 1):
        if (schema.topic, schema.minor) == (newest.topic, wanted):
            return schema, number
    raise ConfigurationError(f"{newest.topic} has no version @{minor}")


def _definition(schema_id: int) -> Definition:
    """The schema of an id: ids count the schemas that are shipped or installed."""
    known = schemas()
    if 0 < schema_id <= len(known):
        return known[schema_id - 1].definition
    reason = f"the bus has no schema {schema_id}"
    raise ContentError(RejectionClass.RECORD_SCHEMA_UNKNOWN, reason, part="record")
