"""What a dead worker left open is ended by the next owner, what a living one is at is not."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from earmark.streams.dead_letter import CommittedReader
from earmark.streams.kafka import TRANSACTIONAL, client_config, producer_config
from earmark.streams.leftover import Leftovers
from earmark.streams.local.stack import Stack
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import COMMON, CONTENT_EVENTS, Topic, make_topics
from earmark.streams.worker import consumer_for

pytestmark = [pytest.mark.kafka]

PARTITION = TopicPartition(CONTENT_EVENTS, 0)
LIMIT_S = 30.0


@pytest.fixture(params=["classic", "consumer"])
def kafka(request: pytest.FixtureRequest, stack: Stack) -> KafkaSettings:
    """A group and a topic of their own; the worker that looks is called 1."""
    name = f"left-{uuid.uuid4().hex[:6]}"
    own = {"group_id": name, "group_protocol": request.param, "slot": "1", "receipts_topic": name}
    kafka = stack.settings.kafka.model_copy(update=own)
    make_topics(kafka, [Topic(name=name, config=COMMON)], partitions=1)
    return kafka


def half_done(kafka: KafkaSettings, slot: str) -> Producer:
    """The producer of a worker that has committed once and is amid its second transaction."""
    name = f"{kafka.group_id}-{slot}"
    producer = Producer(producer_config(kafka, {**TRANSACTIONAL, "transactional.id": name}))
    producer.init_transactions(LIMIT_S)
    producer.begin_transaction()
    offset = TopicPartition(PARTITION.topic, PARTITION.partition, 0, name)
    nobody = Consumer(client_config(kafka, {"group.id": kafka.group_id}))
    wait_for_place(nobody)
    producer.send_offsets_to_transaction([offset], nobody.consumer_group_metadata(), LIMIT_S)
    producer.commit_transaction(LIMIT_S)
    nobody.close()
    producer.begin_transaction()
    producer.produce(kafka.receipts_topic, b"half done")
    producer.flush(LIMIT_S)
    return producer


def wait_for_place(nobody: Consumer) -> None:
    """Until a new broker has made the group's place, and says no more that it has none."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            nobody.committed([PARTITION], LIMIT_S)
        except KafkaException:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


def look(kafka: KafkaSettings) -> None:
    leftovers = Leftovers(kafka, [kafka.receipts_topic])
    leftovers.end([PARTITION])
    leftovers.close()


def committed(kafka: KafkaSettings) -> list[bytes | None]:
    with CommittedReader(kafka, kafka.receipts_topic) as reader:
        return [message.value() for span in reader.spans() for message in reader.read(span)]


@contextmanager
def member(kafka: KafkaSettings, slot: str, stack: Stack) -> Iterator[None]:
    """A worker of the group, with partitions."""
    own = kafka.model_copy(update={"slot": slot})
    consumer = consumer_for(stack.settings.model_copy(update={"kafka": own}))
    consumer.subscribe([CONTENT_EVENTS])
    try:
        while not consumer.assignment():
            consumer.poll(0.1)
        yield
    finally:
        consumer.close()


def test_a_worker_that_is_gone_is_fenced_and_readers_go_on_at_once(kafka: KafkaSettings) -> None:
    dead = half_done(kafka, "0")
    look(kafka)
    later = Producer(producer_config(kafka))
    later.produce(kafka.receipts_topic, b"later")
    later.flush(LIMIT_S)
    assert committed(kafka) == [b"later"]
    with pytest.raises(KafkaException, match="_FENCED"):
        dead.commit_transaction(LIMIT_S)


def test_a_worker_that_is_in_the_group_is_left_alone(kafka: KafkaSettings, stack: Stack) -> None:
    with member(kafka, "0", stack):
        alive = half_done(kafka, "0")
        look(kafka)
        alive.commit_transaction(LIMIT_S)
    assert committed(kafka) == [b"half done"]
