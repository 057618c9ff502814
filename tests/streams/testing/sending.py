"""Sends samples to the real broker."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message, Producer

from earmark.processors.schema import schema_of
from earmark.processors.wire import Codec
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.subscription.name import live_topic
from earmark.streams.testing.record import Sample


@dataclass
class Placed:
    """Where the brokers put what was sent."""

    partitions: dict[str, int] = field(default_factory=dict)

    def __call__(self, error: object, message: Message) -> None:
        assert error is None
        self.partitions[(message.key() or b"").decode()] = message.partition() or 0


def send(stack: Stack, samples: Sequence[Sample]) -> dict[str, int]:
    """To the real broker; the partition of each key."""
    with Registry(stack.settings.registry) as registry:
        ids = registry.ids_for_worker({live_topic(sample.topic) for sample in samples})
    producer, placed = Producer(producer_config(stack.settings.kafka)), Placed()
    for sample in samples:
        live = live_topic(sample.topic)
        codec = Codec(schema_of(live))
        value = None if sample.record is None else codec.encode(sample.record, ids[live])
        producer.produce(
            sample.topic, value, sample.key, headers=dict(sample.headers), on_delivery=placed
        )
    assert producer.flush(30) == 0
    return placed.partitions
