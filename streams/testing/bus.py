"""A bus in memory with the face of Kafka as `earmark.subscribe` shows it.

What is published is encoded with Avro and decoded again, by the codec that worker and subscriber
use, and read by the subscription that reads from brokers: but for the feed below it nothing is
another.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Condition as Signalled
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import Definition, Schema, schema_of, schemas
from earmark.processors.wire import Codec
from earmark.streams.settings import Settings
from earmark.streams.subscription.choice import chosen
from earmark.streams.subscription.feed import BATCH, Passed
from earmark.streams.subscription.iterator import AsyncSubscription, Subscription
from earmark.streams.subscription.name import holds_bytes, live_topic, topics_named
from earmark.streams.subscription.place import Position, Start, When, place, since_ms
from earmark.streams.subscription.received import UnreadableRecord, received
from earmark.streams.testing.clock import Clock
from earmark.streams.testing.partition import partition_of
from earmark.streams.testing.record import Sample, checked, schema_named

PARTITIONS = 8  # of a topic, as `earmark topics create` makes them
_TIMESTAMP = 2  # Kafka's kind of timestamp that says when the broker took the record


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One record as it lies in a topic, with the face of a message of Kafka's client."""

    place: str
    number: int
    at: tuple[str, int]
    content: tuple[bytes, bytes | None] = field(repr=False)
    carried: Mapping[str, bytes] = field(repr=False)
    time_ms: int

    def topic(self) -> str:
        """Its topic."""
        return self.at[0]

    def partition(self) -> int:
        """Its partition."""
        return self.at[1]

    def offset(self) -> int:
        """Its number in the partition."""
        return self.number

    def key(self) -> bytes:
        """Its key."""
        return self.content[0]

    def value(self) -> bytes | None:
        """Its bytes; None for a deletion."""
        return self.content[1]

    def headers(self) -> list[tuple[str, bytes]]:
        """Its headers, in order."""
        return list(self.carried.items())

    def timestamp(self) -> tuple[int, int]:
        """When the bus took it."""
        return _TIMESTAMP, self.time_ms


class Bus:
    """Topics in memory; `clock` gives the records their times.

        bus = Bus()
        for sample in records("text.safety", outcome="OK"):
            bus.publish(sample)
        with bus.subscribe("text.safety", from_beginning=True, timeout_s=1) as signals:
            assert [signal.record["outcome"] for signal in signals] == ["OK"]

    For any thread. Keys go to the partitions where Kafka's clients put them. Records come to a
    reader in the order in which they were published, which is one of those that Kafka may choose.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.records: list[Stored] = []
        self.changed = Signalled()
        self.committed: dict[str, dict[str, int]] = {}  # by group
        self.members: set[str] = set()
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(count)

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
            return self.publish_bytes(sample.topic, sample.key, None, headers)
        newest = schema_of(live_topic(sample.topic))
        writer, schema_id = _version(newest, version)
        value = Codec(writer).encode(checked(dict(sample.record), newest), schema_id)
        carried = {**sample.headers, **(headers or {})}
        return self.publish_bytes(sample.topic, sample.key, value, carried)

    def delete(self, name: str, content_id: str) -> tuple[str, int, int]:
        """Say on the topic of a signal that the item was deleted."""
        return self.publish_bytes(schema_named(name).topic, content_id, None)

    def publish_bytes(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Mapping[str, bytes] | None = None,
    ) -> tuple[str, int, int]:
        """Publish any bytes, also such as nobody can read; None for a deletion."""
        partition = partition_of(key.encode(), PARTITIONS)
        at = place(topic, partition)
        with self.changed:
            stored = Stored(
                place=at,
                number=next(self._numbers[at]),
                at=(topic, partition),
                content=(key.encode(), value),
                carried=dict(headers or {}),
                time_ms=self.clock.now_ms,
            )
            self.records.append(stored)
            self.changed.notify_all()
        return topic, partition, stored.number

    def subscribe(
        self,
        *names: str,
        from_beginning: bool = False,
        since: When | None = None,
        start: Position | None = None,
        where: str | Sequence[str] = (),
        content_type: str | Sequence[str] = (),
        label: str | Sequence[str] = (),
        min_score: float | None = None,
        deletions: bool = False,
        group_id: str | None = None,
        auto_commit: bool = True,
        timeout_s: float | None = None,
        settings: Settings | None = None,
        bootstrap_servers: str | None = None,
        registry_url: str | None = None,
    ) -> Subscription:
        """As `earmark.subscribe`; with any `timeout_s` it ends at once where all was read.

        `since` goes by the clock of the bus. Brokers and registry are named in vain. A group takes
        one member at a time.
        """
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        topics = topics_named(names)
        begin = Start(
            group_id=group_id,
            from_beginning=from_beginning,
            since_ms=None if since is None else since_ms(since, now),
            position=start,
        )
        return _Drained(
            settings or Settings(),
            topics,
            begin.checked(topics),
            conditions=chosen(where, content_type=content_type, label=label, min_score=min_score),
            deletions=deletions,
            timeout_s=timeout_s,
            auto_commit=auto_commit,
            feed=BusFeed(self, topics, begin),
        )

    def subscribe_async(self, *names: str, **options: Any) -> AsyncSubscription:
        """As `earmark.subscribe_async`; it takes the arguments of `subscribe`."""
        return AsyncSubscription(lambda: self.subscribe(*names, **options))

    @contextmanager
    def in_place(self) -> Iterator["Bus"]:
        """While the block runs `earmark.subscribe` and `subscribe_async` read from this bus."""
        import earmark

        there = earmark.subscribe, earmark.subscribe_async
        earmark.subscribe = self.subscribe
        earmark.subscribe_async = self.subscribe_async
        try:
            yield self
        finally:
            earmark.subscribe, earmark.subscribe_async = there

    def ends(self, topics: Sequence[str]) -> dict[str, int]:
        """The places of the topics, each with the offset that comes next."""
        ends = {place(topic, number): 0 for topic in topics for number in range(PARTITIONS)}
        for stored in self.records:
            if stored.place in ends:
                ends[stored.place] = stored.number + 1
        return ends

    def since(self, topics: Sequence[str], time_ms: int) -> dict[str, int]:
        """The places of the topics, each with the first offset of that time or later."""
        found = self.ends(topics)
        for stored in reversed(self.records):
            if stored.place in found and stored.time_ms >= time_ms:
                found[stored.place] = stored.number
        return found


class BusFeed:
    """What stands below a subscription in place of `earmark.streams.subscription.feed.Feed`."""

    def __init__(self, bus: Bus, topics: Sequence[str], start: Start) -> None:
        self.unreadable: Counter[RejectionClass] = Counter()
        self._bus = bus
        self._group_id = start.group_id
        self._codecs = {topic: _codec(topic) for topic in topics}
        self._next = 0
        if self._group_id in bus.members:
            raise ConfigurationError(f"group {self._group_id} has a member; this bus takes one")
        self._first, self.starts = self._begin(bus, topics, start)
        if self._group_id is not None:
            bus.members.add(self._group_id)

    @property
    def at_end(self) -> bool:
        """Whether nothing more stands on the bus."""
        return self._next >= len(self._bus.records)

    def batch(self, wait_s: float, most: int = BATCH) -> list[Passed]:
        """What stands next, after a wait of at most `wait_s` where nothing does."""
        with self._bus.changed:
            self._bus.changed.wait_for(lambda: not self.at_end, wait_s)
            some = self._bus.records[self._next : self._next + most]
            self._next += len(some)
        wanted = (it for it in some if it.number >= self._first.get(it.place, it.number + 1))
        return [self._passed(stored) for stored in wanted]

    def lost(self) -> set[str]:
        """None: a member has all partitions."""
        return set()

    def store(self, position: Position) -> None:
        """Let the group go on from there."""
        if self._group_id is not None:
            self._bus.committed.setdefault(self._group_id, {}).update(position)

    def commit(self, position: Position) -> None:
        """Likewise."""
        self.store(position)

    def close(self) -> None:
        """Leave the group."""
        if self._group_id is not None:
            self._bus.members.discard(self._group_id)

    def _begin(
        self, bus: Bus, topics: Sequence[str], start: Start
    ) -> tuple[Mapping[str, int], dict[str, int]]:
        """The first offsets wanted by place, and those of them that positions begin with."""
        ends = bus.ends(topics)
        beginnings = dict.fromkeys(ends, 0)
        if start.position is not None:
            if strange := start.position.keys() - ends.keys():
                raise ConfigurationError(f"start names {min(strange)}, which is not there")
            return {**beginnings, **start.position}, dict(start.position)
        if start.group_id is not None:
            else_at = beginnings if start.from_beginning else ends
            return {**else_at, **bus.committed.get(start.group_id, {})}, {}
        if start.since_ms is not None:
            found = bus.since(topics, start.since_ms)
            return found, found
        return (beginnings, {}) if start.from_beginning else (ends, dict(ends))

    def _passed(self, stored: Stored) -> Passed:
        topic = stored.topic()
        record = received(stored, topic, self._codecs[topic])  # type: ignore[arg-type]  # its face
        if isinstance(record, UnreadableRecord):
            self.unreadable[record.rejection_class] += 1
        return Passed(stored.place, stored.number + 1, record)


class _Drained(Subscription):
    """A subscription that, given any time limit, ends where all was read: no test waits."""

    def deadline(self) -> float:
        """When a wait is over: at once, for whoever does not wait for ever."""
        return float("inf") if self.timeout_s is None else time.monotonic()

    def take(self) -> Any:
        """The next record on the bus."""
        feed = self._feed
        while (signal := super().take()) is None and isinstance(feed, BusFeed) and not feed.at_end:
            self.fill(0)
        return signal


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


def _codec(topic: str) -> Codec | None:
    if holds_bytes(topic):
        return None
    return Codec(schema_of(live_topic(topic)), writer_schema=_definition)


def _definition(schema_id: int) -> Definition:
    """The schema of an id: ids count the schemas that are shipped or installed."""
    known = schemas()
    if 0 < schema_id <= len(known):
        return known[schema_id - 1].definition
    reason = f"the bus has no schema {schema_id}"
    raise ContentError(RejectionClass.RECORD_SCHEMA_UNKNOWN, reason, part="record")
