"""A transaction is through in a moment, after a silence too."""

import time
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer

from earmark.processors.schema import RECEIPTS
from earmark.streams.assembly import LIVE
from earmark.streams.kafka import consumer_config
from earmark.streams.local.stack import Stack
from earmark.streams.publisher import Publisher
from earmark.streams.topic import CONTENT_EVENTS

pytestmark = [pytest.mark.kafka]

# long enough for connections to close; half of the rounds were late before it was mended
SILENCES_S = (12.0, 4.0, 5.0, 11.0, 5.0, 6.0)
LATE_S = 1.3  # it takes hundredths of a second, and took two to six
JOIN_S = 30.0


@pytest.fixture
def member(stack: Stack) -> Iterator[Consumer]:
    """A member of a group of its own that has its partitions."""
    group = f"publisher-{uuid.uuid4().hex[:6]}"
    consumer = Consumer(
        consumer_config(stack.settings.kafka, {"group.id": group, "enable.auto.commit": False})
    )
    consumer.subscribe([CONTENT_EVENTS])
    until = time.monotonic() + JOIN_S
    while not consumer.assignment() and time.monotonic() < until:
        consumer.poll(0.1)
    yield consumer
    consumer.close()


def rest(member: Consumer, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        member.poll(0.1)


def test_a_transaction_after_a_silence_is_not_held_up(stack: Stack, member: Consumer) -> None:
    kafka = stack.settings.kafka.model_copy(update={"group_id": f"own-{uuid.uuid4().hex[:6]}"})
    settings = stack.settings.model_copy(update={"kafka": kafka})
    publisher = Publisher(settings, {RECEIPTS: 1}, worker="1", route=LIVE)
    publisher.start()
    taken_s = []
    for silence_s in (0.0, *SILENCES_S):
        rest(member, silence_s)
        began = time.monotonic()
        publisher.pass_over({(CONTENT_EVENTS, 0): 0}, member.consumer_group_metadata())
        taken_s.append(time.monotonic() - began)
    assert max(taken_s[1:]) < LATE_S
