"""One subscriber, two buses: what it makes of the records is the same."""

from uuid import uuid4

import pytest

from earmark.streams.local.stack import Stack
from earmark.streams.subscriber import subscribe
from earmark.streams.testing.bus import PARTITIONS, Bus
from earmark.streams.testing.partition import partition_of
from earmark.streams.testing.record import Sample, records
from tests.streams.testing.board import Board
from tests.streams.testing.sending import send

pytestmark = [pytest.mark.kafka]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Records of every outcome, of three items, one of which is deleted."""
    run = uuid4().hex
    return [
        *records("text.safety", "OK", content_id=f"{run}-1"),
        *records("text.safety", content_id=f"{run}-2"),
        *records("text.safety", "OK", content_id=f"{run}-3", labels=["hate", "harassment"]),
        *records("text.safety", "ABSTAINED", content_id=f"{run}-1"),
    ]


def test_a_subscriber_makes_the_same_of_both(stack: Stack, samples: list[Sample]) -> None:
    on_kafka, in_memory = Board(), Board()
    with subscribe("text.safety", settings=stack.settings, timeout_s=5) as signals:
        send(stack, samples)
        on_kafka.follow(signals)
    bus = Bus()
    with bus.subscribe("text.safety", timeout_s=3) as kept:
        for sample in samples:
            bus.publish(sample)
        in_memory.follow(kept)
    assert on_kafka.seen == in_memory.seen
    assert sum(on_kafka.seen.values()) == len(samples)
    assert (on_kafka.harms, on_kafka.unsaid) == (in_memory.harms, in_memory.unsaid)


def test_every_field_of_what_is_received_is_the_same_but_place_and_time(
    stack: Stack, samples: list[Sample]
) -> None:
    sample = samples[0]
    with subscribe("text.safety", settings=stack.settings, timeout_s=20) as signals:
        send(stack, [sample])
        real = next(signals)
    bus = Bus()
    bus.publish(sample)
    with bus.subscribe("text.safety", from_beginning=True, timeout_s=1) as kept:
        made = next(kept)
    for name in ("name", "topic", "key", "record", "deleted", "headers", "partition"):
        assert getattr(real, name) == getattr(made, name), name
    assert (real.value or b"")[5:] == (made.value or b"")[5:]  # but for the id of the schema


def test_keys_lie_where_kafka_puts_them(stack: Stack) -> None:
    samples = [
        sample for size in range(12) for sample in records("audio.key", "OK", content_id="é" * size)
    ]
    placed = send(stack, [sample for sample in samples if sample.key])
    assert len(placed) == 11
    for key, partition in placed.items():
        assert partition_of(key.encode(), PARTITIONS) == partition
