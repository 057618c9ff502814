"""Reads what a partition's state lacks from the topics, before anything of it is judged."""

import time
from collections.abc import Callable, Collection, Mapping

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from earmark.processors.error import ServiceError
from earmark.streams.judging.channel import Channels
from earmark.streams.judging.state import Arrival, PartitionState
from earmark.streams.kafka import consumer_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import REVIEW_REQUESTS, VERDICTS

log = structlog.get_logger()

STALLED_S = 60.0  # an open transaction of a dead worker holds its readers up for 15 s
BATCH = 2_000  # records read at once
FETCH_MS = 10  # that the end is reached, the broker says only after it
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


Hold = Callable[[PartitionState, Arrival], None]  # take a record over, without judging


class Restorer:
    """Brings the states of partitions up to the ends of their topics; for one thread."""

    def __init__(self, kafka: KafkaSettings, channels: Channels) -> None:
        self._channels = channels
        self._topics = (*channels.inputs, VERDICTS, REVIEW_REQUESTS)
        own = {"group.id": f"{channels.group(kafka)}-restore"}  # asked for; nothing is committed
        self._consumer = _consumer(kafka, own, "read_committed")
        # to one that reads what is committed alone, an open transaction hides where the end is
        self._ends = _consumer(kafka, own, "read_uncommitted")

    @property
    def cluster_id(self) -> str:
        """Names the cluster; raises ServiceError where it does not answer."""
        try:
            return str(self._consumer.list_topics(timeout=_ANSWER_S).cluster_id)
        except KafkaException as error:
            raise ServiceError(f"Kafka: {error.args[0].str()}") from error

    def restore(self, number: int, state: PartitionState, hold: Hold) -> None:
        """Bring `state` up to the ends of partition `number` of all topics.

        Raises ServiceError where the brokers do not give them.
        """
        started = time.monotonic()
        count = self._restore(number, state, hold)
        seconds = round(time.monotonic() - started, 3)
        log.info("state restored", partition=number, read=count, seconds=seconds)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()
        self._ends.close()

    def _restore(self, number: int, state: PartitionState, hold: Hold) -> int:
        state.keep_topics(self._topics)
        bounds = {topic: self._bounds(topic, number) for topic in self._topics}
        behind = any(state.position(topic) < end for topic, (_, end) in bounds.items())
        ahead = any(state.position(topic) > end for topic, (_, end) in bounds.items())
        if ahead or (behind and state.is_stale()):  # the topics were made anew, or have forgotten
            log.warning("state made again", partition=number)
            state.clear()
        wanted = {
            topic: max(first, state.position(topic))
            for topic, (first, end) in bounds.items()
            if max(first, state.position(topic)) < end
        }
        count = 0
        if wanted:
            ends = {topic: bounds[topic][1] for topic in wanted}
            count = self._read(number, wanted, ends, state, hold)
            state.forget_requests_of_the_gone()
        state.commit()
        return count

    def _read(
        self,
        number: int,
        starts: Mapping[str, int],
        ends: Mapping[str, int],
        state: PartitionState,
        hold: Hold,
    ) -> int:
        """Up to the ends, which only what is committed lets pass."""
        actual = self._channels.actual
        self._consumer.assign([TopicPartition(actual(t), number, o) for t, o in starts.items()])
        count, positions = 0, dict(starts)
        deadline = time.monotonic() + STALLED_S
        try:
            while lacking := [topic for topic, end in ends.items() if positions[topic] < end]:
                messages = self._arrived()
                count += self._take(messages, positions, state, hold)
                if messages:
                    deadline = time.monotonic() + STALLED_S
                elif time.monotonic() > deadline:
                    place = f"{lacking[0]} partition {number}"
                    raise ServiceError(f"{place} cannot be read beyond {positions[lacking[0]]}")
        finally:
            self._consumer.unassign()
        return count

    def _take(
        self,
        messages: Collection[Message],
        positions: dict[str, int],
        state: PartitionState,
        hold: Hold,
    ) -> int:
        count = 0
        for message in messages:
            topic = self._channels.live(message.topic() or "")
            behind = self._behind(message)
            if message.error() is None:
                hold(state, _arrival(topic, message))
                count += 1
            positions[topic] = max(positions[topic], behind)
            state.advance(topic, behind)
        state.commit()
        return count

    def _arrived(self) -> list[Message]:
        """What has come, without waiting for more."""
        first = self._consumer.poll(_POLL_S)
        return [] if first is None else [first, *self._consumer.consume(BATCH - 1, 0)]

    def _behind(self, message: Message) -> int:
        """The offset behind a message, which may be the word that this is the end."""
        error = message.error()
        if error is None:
            return (message.offset() or 0) + 1
        if error.code() != KafkaError._PARTITION_EOF:  # its public name
            raise ServiceError(f"{message.topic()}: {error.str()}") from KafkaException(error)
        return message.offset() or 0

    def _bounds(self, topic: str, number: int) -> tuple[int, int]:
        partition = TopicPartition(self._channels.actual(topic), number)
        deadline = time.monotonic() + STALLED_S
        while True:
            try:
                first, end = self._ends.get_watermark_offsets(partition, timeout=_ANSWER_S)
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                if cause.code() not in _PASSING or time.monotonic() > deadline:
                    place = f"{partition.topic} partition {number}"
                    raise ServiceError(f"{place}: {cause.str()}") from error
                time.sleep(_PAUSE_S)
            else:
                return first, end


def _arrival(topic: str, message: Message) -> Arrival:
    return Arrival(
        topic=topic,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        content_id=(message.key() or b"").decode(errors="replace"),
        payload=message.value(),
        at_ms=message.timestamp()[1],
    )


def _consumer(kafka: KafkaSettings, own: Mapping[str, object], isolation: str) -> Consumer:
    fixed = {
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",  # compaction may have taken what we stand on
        "enable.partition.eof": True,
        "isolation.level": isolation,
        "fetch.wait.max.ms": FETCH_MS,
    }
    return Consumer(consumer_config(kafka, {**own, **fixed}))
