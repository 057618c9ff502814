"""What the worker takes up next: records from Kafka, in order, when their time has come.

Records of the retry topic wait for theirs. Those with long recordings are taken up one at a time,
beside the others. One that was in flight when an earlier process died is taken up alone, so that
the next death names the culprit.

A partition whose records wait is paused, and few of them are kept: the others are read again.
"""

import time
from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from earmark.processors.error import ServiceError
from earmark.streams.course import Course
from earmark.streams.crash_ledger import CrashLedger, Place
from earmark.streams.flight import Partition, partition_of
from earmark.streams.retry import Waiting

KEEPALIVE_S = 10.0  # longest time without a poll; librdkafka gives up the group after 300
KEPT_BYTES = 1_000_000  # of the records of a partition that wait
_BUSY_POLL_S = 0.005  # how long to wait for records while there is work
_IDLE_POLL_S = 0.2


class Intake:
    """Reads what a consumer is assigned, at most `batch` records at once; for one thread."""

    def __init__(
        self,
        consumer: Consumer,
        crashes: CrashLedger,
        course: Course,
        *,
        batch: int,
        long_topic: str | None,
    ) -> None:
        self._consumer = consumer
        self._crashes = crashes
        self._course = course
        self._batch = batch
        self._long_topic = long_topic
        self._read: deque[Message] = deque()  # and not taken up yet
        self._long: deque[Message] = deque()  # likewise, of the long ones
        self._waiting = Waiting()
        self._resting: set[TopicPartition] = set()  # paused, since their records wait
        self._kept: Counter[Partition] = Counter()  # bytes of the records that wait
        self._cuts: dict[Partition, int] = {}  # from here on, such a partition is read again
        self._gone: set[Partition] = set()  # to another worker, since the last poll
        self._alone = False  # what was taken up last is a suspect
        self._more = False  # is there for sure: the last read was full
        self._paused = False
        self._polled_at = 0.0

    def take(self, *, in_flight: int, full: bool, long_in_flight: bool) -> list[Message]:
        """The records to begin with now, none while the worker is `full`.

        Polls in any case often enough for the group to know that we live. Raises ServiceError
        where the consumer fails.
        """
        if full or self._read:
            self._keep_alive()
        else:
            self._read.extend(self._arrived(in_flight))
        if self._long and not (long_in_flight or full or any(map(self._is_long, self._read))):
            self._read.append(self._let_go(self._long.popleft()))
        return [] if full else self._ready(in_flight)

    @property
    def blocked(self) -> bool:
        """Whether what was read is not taken up before what is in flight has been answered."""
        return self._alone and bool(self._read)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is known to come soon."""
        return not (self._more or self._read)

    @property
    def waiting_bytes(self) -> int:
        """What the records hold that wait for their time or their turn."""
        return self._kept.total()

    def holds(self, partitions: Collection[Partition]) -> bool:
        """Whether anything of these partitions was read and not taken up yet."""
        read = (*self._read, *self._long)
        return any(p in self._waiting.partitions for p in partitions) or any(
            partition_of(message) in partitions for message in read
        )

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget what was read of partitions that go to another worker.

        It is called in the middle of reading: what has just been read of others stays.
        """
        for read in (self._read, self._long):  # the very ones that are read into
            kept = [message for message in read if partition_of(message) not in partitions]
            read.clear()
            read.extend(kept)
        self._waiting.drop(partitions)
        self._course.drop(partitions)
        # librdkafka keeps what is paused paused, even where it goes and comes back
        self._consumer.resume([TopicPartition(*partition) for partition in partitions])
        self._resting = {p for p in self._resting if (p.topic, p.partition) not in partitions}
        for partition in partitions:
            self._kept.pop(partition, None)
            self._cuts.pop(partition, None)
        self._gone.update(partitions)

    def _arrived(self, in_flight: int) -> list[Message]:
        self._resume()
        self._polled_at = time.monotonic()
        read = self._consumed(_BUSY_POLL_S if in_flight else _IDLE_POLL_S)
        now_ms = time.time_ns() // 1_000_000
        due = [self._let_go(message) for message in self._waiting.due(now_ms=now_ms)]
        due += [message for message in read if self._is_due(message, now_ms)]
        self._rest()
        return due

    def _consumed(self, wait_s: float) -> list[Message]:
        found = self._consumer.poll(wait_s)
        self._more = False
        if found is None:
            return []
        self._gone.clear()
        rest = self._consumer.consume(self._batch - 1, 0)
        self._more = len(rest) == self._batch - 1
        # in there, partitions may have gone to another worker, that of the first record too
        return rest if partition_of(found) in self._gone else [found, *rest]

    def _is_due(self, message: Message, now_ms: int) -> bool:
        """Whether the record may begin at once; one that may later is kept until then."""
        partition = partition_of(message)
        if self._is_cut_off(message, partition) or not self._is_wanted(message):
            return False
        if self._kept and self._kept[partition] >= KEPT_BYTES:
            self._cuts[partition] = message.offset() or 0
            return False
        if self._is_long(message):
            self._long.append(message)
        elif not self._waiting.hold(message, now_ms=now_ms):
            return True
        self._kept[partition] += len(message.value() or b"")
        return False

    def _let_go(self, message: Message) -> Message:
        self._kept[partition_of(message)] -= len(message.value() or b"")
        return message

    def _is_cut_off(self, message: Message, partition: Partition) -> bool:
        """Whether it, or that this is the end, came behind a cut: it comes again."""
        if partition not in self._cuts:
            return False
        error = message.error()
        is_end = error is not None and error.code() == KafkaError._PARTITION_EOF
        return error is None or is_end

    def _is_long(self, message: Message) -> bool:
        return self._long_topic is not None and message.topic() == self._long_topic

    def _is_wanted(self, message: Message) -> bool:
        """Whether it is a record of our course; raises ServiceError for an error in its place."""
        error = message.error()
        if error is None:
            return self._course.admits(message)
        if error.code() == KafkaError._PARTITION_EOF:  # its public name
            self._course.reached(partition_of(message), message.offset() or 0)
            return False
        raise ServiceError(f"Kafka consumer: {error.name()}: {error.str()}") from KafkaException(
            error
        )

    def _ready(self, in_flight: int) -> list[Message]:
        """The next records, a suspect by itself; noted as taken up before they are."""
        if in_flight and self._alone:
            return []
        ready: list[Message] = []
        while self._read:
            self._alone = self._crashes.suspected(place_of(self._read[0]))
            if self._alone and (ready or in_flight):
                break
            ready.append(self._read.popleft())
            if self._alone:
                break
        self._crashes.take_up(places_of(ready))
        return ready

    def _rest(self) -> None:
        """Partitions whose records wait give no more until these are due, nor do ended ones."""
        long = {partition_of(message) for message in self._long}
        resting = {*self._waiting.partitions, *self._course.ended, *long}
        waiting = {TopicPartition(*partition) for partition in resting}
        if waiting != self._resting:
            self._read_on(self._resting - waiting)
            self._consumer.pause(list(waiting - self._resting))
            self._resting = waiting

    def _read_on(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            cut = self._cuts.pop((partition.topic, partition.partition), None)
            if cut is not None:
                self._consumer.seek(TopicPartition(partition.topic, partition.partition, cut))
        self._consumer.resume(list(partitions))

    def _keep_alive(self) -> None:
        """Poll with all partitions paused."""
        if time.monotonic() - self._polled_at < KEEPALIVE_S:
            return
        self._polled_at = time.monotonic()
        self._consumer.pause(self._consumer.assignment())
        self._paused = True
        message = self._consumer.poll(0)
        if message is not None and self._is_due(message, time.time_ns() // 1_000_000):
            self._read.append(message)

    def _resume(self) -> None:
        if self._paused:
            assigned = self._consumer.assignment()
            self._consumer.resume([each for each in assigned if each not in self._resting])
            self._paused = False


def place_of(message: Message) -> Place:
    """Where the record stands."""
    return Place(*partition_of(message), message.offset() or 0)


def places_of(messages: Sequence[Message]) -> list[Place]:
    """Where the records stand."""
    return [place_of(message) for message in messages]
