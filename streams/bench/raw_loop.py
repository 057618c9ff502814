"""The shortest loop over confluent-kafka: consume, produce, commit, and nothing else."""

import time
from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from earmark.models.error import ServiceError
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.kafka import BY_KEY, TRANSACTIONAL, consumer_config, producer_config
from earmark.streams.outgoing import Outgoing
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS

BATCH = 256  # events that it takes at once, as the worker does
STALLED_S = 60.0

Moved = Mapping[bytes, Sequence[Outgoing]]  # what is written for a record, by its key


class RawLoop:
    """Consume, produce, commit: what a program without any other purpose would do."""

    def __init__(self, settings: Settings) -> None:
        kafka = settings.kafka
        group = f"{kafka.group_id}-raw"
        own = {
            "group.id": group,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
        self._settings = settings
        self._consumer = Consumer(consumer_config(kafka, own))
        self._producer = Producer(
            producer_config(kafka, {**TRANSACTIONAL, "transactional.id": group})
        )
        self._producer.init_transactions(30)
        self._starts: list[TopicPartition] = []

    def begin_at_the_end(self) -> None:
        """Begin with what comes next."""
        with CommittedReader(self._settings.kafka, CONTENT_EVENTS) as reader:
            self._starts = [
                TopicPartition(CONTENT_EVENTS, s.partition, s.end) for s in reader.spans()
            ]

    def read(self, number: int) -> list[Message]:
        """So many records, and nothing done with them."""
        self.again()
        return [message for batch in self._batches(number) for message in batch]

    def again(self) -> None:
        """Begin where it began."""
        self._consumer.assign(self._starts)

    def move(self, moved: Moved, number: int) -> None:
        """Write what belongs to each of so many records."""
        producer, consumer = self._producer, self._consumer
        for batch in self._batches(number):
            producer.begin_transaction()
            for message in batch:
                for record in moved[message.key() or b""]:
                    _produce(producer, record)
            behind = {(m.partition()): (m.offset() or 0) + 1 for m in batch}
            offsets = [TopicPartition(CONTENT_EVENTS, p or 0, o) for p, o in behind.items()]
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
            producer.commit_transaction(30)

    def _batches(self, number: int) -> Iterator[list[Message]]:
        until = time.monotonic() + STALLED_S
        while number > 0 and time.monotonic() < until:
            batch = self._consumer.consume(BATCH, 0.01)
            if batch:
                number -= len(batch)
                yield batch
        if number > 0:
            raise ServiceError(f"{number} records were not read in {STALLED_S:g} s")


def _produce(producer: Producer, record: Outgoing) -> None:
    while True:
        try:
            producer.produce(
                record.topic,
                record.value,
                record.key,
                BY_KEY if record.partition is None else record.partition,
                headers=record.headers,
            )
        except BufferError:
            producer.poll(0.1)
        else:
            return
