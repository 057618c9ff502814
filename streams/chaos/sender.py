"""Sends the records of a run, broken ones too, and notes when and where the broker took them."""

from collections.abc import Iterable, Mapping
from functools import partial

import confluent_kafka
import numpy as np
from confluent_kafka import KafkaError, Message

from earmark.processors.error import ServiceError
from earmark.streams.chaos.events import Content
from earmark.streams.kafka import producer_config
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS

DELIVERY_S = 300.0  # longer than a broker may be away
_OWN: Mapping[str, object] = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "delivery.timeout.ms": int(DELIVERY_S * 1000),
}


class Sender:
    """A producer that outlives the broker.

    `taken_ms` is when the broker took each record, by number, in milliseconds since the epoch (0:
    not yet); `ends` the offset behind the last record of each partition.
    """

    def __init__(self, settings: Settings, content: Content) -> None:
        self._content = content
        self._producer = confluent_kafka.Producer(producer_config(settings.kafka, _OWN))
        with Registry(settings.registry) as registry:
            self._schema_id = registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS]
        self.taken_ms = np.zeros(len(content), np.int64)
        self.ends: dict[int, int] = {}
        self.sent = 0
        self._failure = ""

    def payload(self, number: int) -> bytes:
        """The bytes that the record was sent as."""
        return self._content.payload(number, self._schema_id)

    def send(self, numbers: Iterable[int]) -> None:
        """Queue these records, in their order."""
        for number in numbers:
            key = self._content.entry(number).content_id.encode()
            self._producer.produce(
                CONTENT_EVENTS, self.payload(number), key, on_delivery=partial(self._note, number)
            )
            self.sent += 1
        self.tend()

    def tend(self) -> None:
        """Hear of deliveries; ServiceError if a record could not be delivered."""
        self._producer.poll(0)
        if self._failure:
            raise ServiceError(f"an event was not delivered: {self._failure}")

    def flush(self) -> None:
        """Wait until the broker has taken all; ServiceError if it does not."""
        left = self._producer.flush(DELIVERY_S)
        self.tend()
        if left:
            raise ServiceError(f"{left} events were not delivered in {DELIVERY_S:g} s")

    def _note(self, number: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = error.str()
            return
        self.taken_ms[number] = message.timestamp()[1]
        partition, end = message.partition() or 0, (message.offset() or 0) + 1
        self.ends[partition] = max(self.ends.get(partition, 0), end)
