"""Reads the receipts of a partition from their topic, before any of its events is answered."""

import time

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from earmark.processors.error import ServiceError
from earmark.streams.kafka import consumer_config
from earmark.streams.receipt_store import PartitionReceipts
from earmark.streams.settings import KafkaSettings

log = structlog.get_logger()

STALLED_S = 60.0  # an open transaction of a dead worker holds its readers up for 15 s
BATCH = 5_000  # receipts read at once
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


class ReceiptRestorer:
    """Fills the stores of partitions from the receipts' topic; for one thread."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._topic = kafka.receipts_topic
        self._consumer = _consumer(kafka, "read_committed")
        # to one that reads what is committed alone, an open transaction hides where the end is
        self._ends = _consumer(kafka, "read_uncommitted")

    @property
    def cluster_id(self) -> str:
        """Names the cluster; raises ServiceError where it does not answer."""
        try:
            return str(self._consumer.list_topics(timeout=_ANSWER_S).cluster_id)
        except KafkaException as error:
            raise ServiceError(f"Kafka: {error.args[0].str()}") from error

    def restore(self, number: int, receipts: PartitionReceipts) -> None:
        """Bring `receipts` up to the end of partition `number` of the topic.

        Raises ServiceError where the brokers do not give it, and ConfigurationError where the
        receipts are those of another group of workers.
        """
        started = time.monotonic()
        count = self._restore(number, receipts)
        seconds = round(time.monotonic() - started, 3)
        log.info("receipts restored", partition=number, read=count, seconds=seconds)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()
        self._ends.close()

    def _restore(self, number: int, receipts: PartitionReceipts) -> int:
        first, end = self._bounds(number)
        position = receipts.restored_offset
        if position > end:  # the topic was made anew
            receipts.clear()
            position = 0
        position = max(position, first)
        if position == end:
            return 0
        self._consumer.assign([TopicPartition(self._topic, number, position)])
        try:
            return self._read(number, receipts, end)
        finally:
            self._consumer.unassign()

    def _read(self, number: int, receipts: PartitionReceipts, end: int) -> int:
        """Up to `end`, which only what is committed lets pass."""
        count, position = 0, 0
        deadline = time.monotonic() + STALLED_S
        while position < end:
            messages = self._arrived()
            payloads = {
                (message.key() or b"").decode(): message.value()
                for message in messages
                if message.error() is None
            }
            position = max([position, *map(self._behind, messages)])
            if payloads:
                receipts.restore(payloads, offset=position)
                deadline = time.monotonic() + STALLED_S
            count += len(payloads)
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{self._topic} partition {number} could not be read beyond offset {position}"
                )
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
            raise ServiceError(f"{self._topic}: {error.str()}") from KafkaException(error)
        return message.offset() or 0

    def _bounds(self, number: int) -> tuple[int, int]:
        partition = TopicPartition(self._topic, number)
        deadline = time.monotonic() + STALLED_S
        while True:
            try:
                first, end = self._ends.get_watermark_offsets(partition, timeout=_ANSWER_S)
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                place = f"{self._topic} partition {number}"
                if self._is_missing(number):
                    raise ServiceError(f"{place}: `earmark topics create` makes it") from error
                if cause.code() not in _PASSING or time.monotonic() > deadline:
                    raise ServiceError(f"{place}: {cause.str()}") from error
                time.sleep(_PAUSE_S)
            else:
                return first, end

    def _is_missing(self, number: int) -> bool:
        """Whether a broker says that there is no such partition."""
        try:
            topic = self._ends.list_topics(self._topic, timeout=_ANSWER_S).topics[self._topic]
        except KafkaException:
            return False  # none says anything
        return number not in topic.partitions


def _consumer(kafka: KafkaSettings, isolation: str) -> Consumer:
    own = {
        "group.id": f"{kafka.group_id}-receipts",  # asked for; nothing is committed
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",  # compaction may have taken what we stand on
        "enable.partition.eof": True,
        "isolation.level": isolation,
        "fetch.wait.max.ms": FETCH_MS,
    }
    return Consumer(consumer_config(kafka, own))
