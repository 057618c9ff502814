"""The records of topics in batches, decoded, each with the place behind it.

librdkafka reads ahead; what it has is taken in one call. A call per record costs about as much
as the record itself.
"""

import time
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from earmark.models.error import ConfigurationError, EarmarkError, ServiceError
from earmark.processors.error import RejectionClass
from earmark.processors.schema import Definition
from earmark.streams.broker_error import kafka_error
from earmark.streams.kafka import consumer_config
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.subscription.place import Position, Start, parsed_place, place
from earmark.streams.subscription.received import (
    ReceivedSignal,
    UnreadableRecord,
    codec_of,
    received,
)

log = structlog.get_logger()

BATCH = 500  # records taken from librdkafka at once, of the 16 MB that it reads ahead
ANSWER_S = 10.0  # for the broker to be reached
_AGAIN_S = 0.2  # before a partition is asked again that has no leader yet
_NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


class Passed(NamedTuple):
    """A record that was read, and where reading goes on behind it."""

    place: str
    next_offset: int
    record: ReceivedSignal | UnreadableRecord


class Feed:
    """Reads what is committed on topics; for one thread at a time, to be closed.

    `unreadable` counts the records that could not be read, by the class of their fault. Raises
    ConfigurationError for a topic, partition or start that is not there, and like all its methods
    ServiceError where brokers or registry do not answer.
    """

    def __init__(
        self, settings: Settings, topics: Sequence[str], start: Start, *, auto_commit: bool = False
    ) -> None:
        self.unreadable: Counter[RejectionClass] = Counter()
        self.starts: dict[str, int] = {}  # where it began; empty in a group
        self._closed = self._begun = False
        self._start = start.checked(topics)
        self._topics = topics
        self._read: deque[Message] = deque()
        self._reached: dict[str, int] = {}
        self._at_end: set[str] = set()
        self._paused: set[str] = set()
        self._lost: set[str] = set()
        self._registry = Registry(settings.registry)
        self._codecs = {topic: codec_of(topic, self._registry) for topic in topics}
        self._servers = settings.kafka.bootstrap_servers
        self._consumer = _consumer(settings, start, auto_commit=auto_commit)
        try:
            self._begin()
        except EarmarkError:
            self.close()
            raise

    def close(self) -> None:
        """Leave the brokers; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self._consumer.close()
        self._registry.close()

    def batch(self, wait_s: float, most: int = BATCH) -> list[Passed]:
        """At most so many of what has been read, after a wait of `wait_s` at most for the first.

        Where a record fails for want of a service, those before it are given, and it is tried
        again by the next call.
        """
        if not self._read:
            self._take(wait_s)
        done: list[Passed] = []
        while self._read and len(done) < most:
            try:
                passed = self._passed(self._read[0])
            except ServiceError:
                if done:
                    break
                if self._read[0].error() is not None:
                    self._read.popleft()  # it has been said, and a record comes again
                raise
            self._read.popleft()
            if passed is not None:
                done.append(passed)
        return done

    def lost(self) -> set[str]:
        """The places that the group took from us since this was last asked."""
        lost, self._lost = self._lost, set()
        return lost

    def store(self, position: Position) -> None:
        """Let the position be committed with the next automatic commit."""
        if self._closed or not position:
            return
        try:
            self._consumer.store_offsets(offsets=_offsets(position))
        except KafkaException as error:
            # a partition that is not ours any more: its new owner reads these records again
            if error.args[0].code() != KafkaError._STATE:
                raise kafka_error(self._servers, error) from error

    def commit(self, position: Position) -> None:
        """Commit the position for the group, and wait until the brokers have it."""
        if not position:
            return
        try:
            done = self._consumer.commit(offsets=_offsets(position), asynchronous=False)
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error
        for partition in done or ():
            if partition.error is not None:
                raise kafka_error(self._servers, KafkaException(partition.error))

    def ends(self, until_ms: int | None = None) -> dict[str, int]:
        """The places' ends as they are now, or where records begin that came then or later."""
        try:
            return self._at(OFFSET_END if until_ms is None else max(0, until_ms))
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error

    def is_through(self, ends: Mapping[str, int]) -> bool:
        """Whether everything before these ends has been given."""
        return not self._read and all(
            self._reached.get(at, self.starts.get(at, 0)) >= end for at, end in ends.items()
        )

    def pause(self, places: Iterable[str]) -> None:
        """Read no more of these places."""
        if new := set(places) - self._paused:
            self._consumer.pause([TopicPartition(*parsed_place(at)) for at in new])
            self._paused |= new

    @property
    def at_end(self) -> bool:
        """Whether nothing more stood on any partition when it was last looked at."""
        return not self._read and self._at_end >= self._all

    def definition(self, schema_id: int) -> Definition:
        """The writer's schema of that id, as the registry has it."""
        return self._registry.schema_by_id(schema_id)

    def _begin(self) -> None:
        try:
            self._partitions = list(self._found())
            self._all = {place(it.topic, it.partition) for it in self._partitions}
            if self._start.group_id is not None:
                self._consumer.subscribe(list(self._topics), on_revoke=self._on_revoke)
                self._begun = True
            else:
                self.starts = self._starting()
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error

    def _starting(self) -> dict[str, int]:
        """Offsets, asked for now: a partition assigned at its end finds it at its first fetch."""
        position = self._start.position
        if position is None and self._start.since_ms is not None:
            return self._at(max(0, self._start.since_ms))
        if position is None:
            return self._at(OFFSET_BEGINNING if self._start.from_beginning else OFFSET_END)
        if strange := position.keys() - self._all:
            raise ConfigurationError(f"start names {min(strange)}, which is not there")
        whole = position.keys() >= self._all
        return {**({} if whole else self._at(OFFSET_BEGINNING)), **position}

    def _found(self) -> Iterable[TopicPartition]:
        for topic in self._topics:
            found = self._consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
            if found.error is not None:
                raise ConfigurationError(f"topic {topic} at {self._servers}: {found.error.str()}")
            for number in sorted(found.partitions):
                yield TopicPartition(topic, number)

    def _at(self, time_ms: int) -> dict[str, int]:
        """The places' first records that came then or later, or their ends where none did.

        The brokers take OFFSET_BEGINNING and OFFSET_END for times too.
        """
        asked = [TopicPartition(it.topic, it.partition, time_ms) for it in self._partitions]
        deadline = time.monotonic() + ANSWER_S
        while True:
            found = self._consumer.offsets_for_times(asked, timeout=ANSWER_S)
            problems = [it.error for it in found if it.error is not None]
            if not problems:
                break
            # a partition that has just been made may have no leader yet
            if problems[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline:
                raise KafkaException(problems[0])
            time.sleep(_AGAIN_S)
        offsets = {place(it.topic, it.partition): it.offset for it in found}
        later = {at for at, offset in offsets.items() if offset < 0}
        ends = self._at(OFFSET_END) if later else {}
        return {at: ends[at] if at in later else offset for at, offset in offsets.items()}

    def _take(self, wait_s: float) -> None:
        if not self._begun:
            # only now: what is asked of a broker waits while it waits for records to send
            self._consumer.assign(_offsets(self.starts))
            self._begun = True
        # to wait for the first alone: `consume` with a time would wait for all of them
        first = self._consumer.poll(wait_s)
        if first is not None:
            self._read.append(first)
            more = self._consumer.consume(BATCH - 1, 0)
            self._read.extend(more)  # only now: what the group takes meanwhile leaves another deque

    def _passed(self, message: Message) -> Passed | None:
        topic, offset = message.topic() or "", message.offset() or 0
        at = place(topic, message.partition() or 0)
        if (problem := message.error()) is not None:
            if problem.code() != KafkaError._PARTITION_EOF:  # its public name
                raise kafka_error(self._servers, KafkaException(problem))
            self._reached[at] = offset
            self._at_end.add(at)
            return None
        record = received(message, topic, self._codecs[topic])
        self._reached[at] = offset + 1
        if self._at_end:
            self._at_end.discard(at)
        if isinstance(record, UnreadableRecord):
            self._note(record)
        return Passed(at, offset + 1, record)

    def _note(self, record: UnreadableRecord) -> None:
        self.unreadable[record.rejection_class] += 1
        log.warning(
            "undecodable",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=record.reason,
        )

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {place(it.topic, it.partition) for it in partitions}
        self._lost |= gone
        self._read = deque(it for it in self._read if _place_of(it) not in gone)


def _consumer(settings: Settings, start: Start, *, auto_commit: bool) -> Consumer:
    in_group = start.group_id is not None
    own: dict[str, object] = {
        "group.id": start.group_id or f"earmark-subscribe-{uuid.uuid4().hex}",
        "enable.auto.commit": in_group and auto_commit,
        "enable.auto.offset.store": False,  # what is read ahead is not handed over yet
        # of what retention took, nothing can be given; what is left must be
        "auto.offset.reset": "latest" if in_group and not start.from_beginning else "earliest",
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }
    try:
        return Consumer(consumer_config(settings.kafka, own))
    except (KafkaException, TypeError) as error:
        raise ConfigurationError(f"setting kafka: {error}") from error


def _offsets(position: Position) -> list[TopicPartition]:
    return [TopicPartition(*parsed_place(at), offset) for at, offset in position.items()]


def _place_of(message: Message) -> str:
    return place(message.topic() or "", message.partition() or 0)
