"""Reads what stands on partitions, up to the ends that they have when it begins."""

import time
from collections.abc import Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from earmark.processors.error import ServiceError
from earmark.streams.broker_error import kafka_error
from earmark.streams.kafka import consumer_config
from earmark.streams.settings import KafkaSettings

STALLED_S = 60.0  # an open transaction of a dead worker holds its readers up for 15 s
BATCH = 5_000  # records read at once
FETCH_MS = 10  # that the end is reached, the broker says only after it: 500 by default, twice
_POLL_S = 1.0
_PAUSE_S = 0.2
_ANSWER_S = 10.0
_PASSING = (  # while a broker is away, or just back
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
)

Offsets = Mapping[str, int]  # by topic


class CatchUp:
    """Reads committed records of one partition number after another; for one thread.

    `group` is only asked for: nothing is committed. Every method raises ServiceError where the
    brokers do not give what is asked.
    """

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._servers = kafka.bootstrap_servers
        self._consumer = _consumer(kafka, group, "read_committed")
        # to one that reads what is committed alone, an open transaction hides where the end is
        self._ends = _consumer(kafka, group, "read_uncommitted")

    @property
    def cluster_id(self) -> str:
        """Names the cluster."""
        try:
            return str(self._consumer.list_topics(timeout=_ANSWER_S).cluster_id)
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error

    def bounds(self, topic: str, number: int) -> tuple[int, int]:
        """The first offset of a partition, and the one behind its last."""
        deadline = time.monotonic() + STALLED_S
        while True:
            try:
                return self._ends.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=_ANSWER_S
                )
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                if self._is_missing(topic, number):
                    raise ServiceError(
                        f"{topic} partition {number}: `earmark topics create` makes it"
                    ) from error
                if cause.code() not in _PASSING or time.monotonic() > deadline:
                    raise ServiceError(f"{topic} partition {number}: {cause.str()}") from error
                time.sleep(_PAUSE_S)

    def read(
        self, number: int, starts: Offsets, ends: Offsets
    ) -> Iterator[tuple[list[Message], Offsets]]:
        """The records of partition `number` of each topic, and how far that is, list by list.

        It goes from `starts` up to `ends`, which only what is committed lets pass.
        """
        self._consumer.assign([TopicPartition(name, number, at) for name, at in starts.items()])
        positions = dict(starts)
        deadline = time.monotonic() + STALLED_S
        try:
            while lacking := [topic for topic, end in ends.items() if positions[topic] < end]:
                if arrived := self._arrived():
                    deadline = time.monotonic() + STALLED_S
                    for message in arrived:
                        topic = message.topic() or ""
                        positions[topic] = max(positions[topic], _behind(message))
                    yield [message for message in arrived if message.error() is None], positions
                elif time.monotonic() > deadline:
                    place = f"{lacking[0]} partition {number}"
                    raise ServiceError(f"{place} cannot be read beyond {positions[lacking[0]]}")
        finally:
            self._consumer.unassign()

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()
        self._ends.close()

    def _arrived(self) -> list[Message]:
        """What has come, without waiting for more."""
        first = self._consumer.poll(_POLL_S)
        return [] if first is None else [first, *self._consumer.consume(BATCH - 1, 0)]

    def _is_missing(self, topic: str, number: int) -> bool:
        """Whether a broker says that there is no such partition."""
        try:
            found = self._ends.list_topics(topic, timeout=_ANSWER_S).topics[topic]
        except KafkaException:
            return False  # none says anything
        return number not in found.partitions


def _behind(message: Message) -> int:
    """The offset behind a message, which may be the word that this is the end."""
    error = message.error()
    if error is None:
        return (message.offset() or 0) + 1
    if error.code() != KafkaError._PARTITION_EOF:  # its public name
        raise ServiceError(f"{message.topic()}: {error.str()}") from KafkaException(error)
    return message.offset() or 0


def _consumer(kafka: KafkaSettings, group: str, isolation: str) -> Consumer:
    own = {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",  # compaction may have taken what we stand on
        "enable.partition.eof": True,
        "isolation.level": isolation,
        "fetch.wait.max.ms": FETCH_MS,
    }
    return Consumer(consumer_config(kafka, own))
