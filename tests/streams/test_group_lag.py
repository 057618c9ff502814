"""What waits for a group is what it has not committed, of what may be read."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from earmark.models.error import ServiceError
from earmark.streams.group_lag import GroupLag
from earmark.streams.kafka import client_config, producer_config
from earmark.streams.local.broker import Broker
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import COMMON, Topic, make_topics

pytestmark = [pytest.mark.kafka]


@pytest.fixture
def name() -> str:
    """Of a topic with two partitions and its group."""
    return f"lag-{uuid4().hex}"


@pytest.fixture
def kafka(broker: Broker, name: str) -> KafkaSettings:
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
    make_topics(kafka, [Topic(name=name, config=COMMON)], partitions=2)
    return kafka


Reader = Callable[..., GroupLag]


@pytest.fixture
def reader(kafka: KafkaSettings, name: str) -> Iterator[Reader]:
    with ExitStack() as undo:
        yield lambda **options: undo.enter_context(
            closing(GroupLag(kafka, group_id=name, topic=name, **options))
        )


@pytest.fixture
def committed(kafka: KafkaSettings, name: str) -> Iterator[Consumer]:
    own = {"group.id": name, "enable.auto.commit": False}
    consumer = Consumer(client_config(kafka, own))
    yield consumer
    consumer.close()


def put(kafka: KafkaSettings, name: str, partition: int, count: int) -> None:
    producer = Producer(producer_config(kafka))
    for _ in range(count):
        producer.produce(name, b"x", partition=partition)
    assert producer.flush(30) == 0


def test_for_a_group_that_never_committed_nothing_is_known(
    kafka: KafkaSettings, name: str, reader: Reader
) -> None:
    put(kafka, name, 0, 3)
    assert reader().read() is None


def test_a_partition_of_which_nothing_is_committed_waits_as_a_whole(
    kafka: KafkaSettings, name: str, committed: Consumer, reader: Reader
) -> None:
    put(kafka, name, 0, 5)
    put(kafka, name, 1, 4)
    committed.commit(offsets=[TopicPartition(name, 0, 3)], asynchronous=False)
    lag = reader()
    assert lag.read() == 2 + 4
    committed.commit(offsets=[TopicPartition(name, 1, 4)], asynchronous=False)
    assert lag.read() == 2


def test_what_an_open_transaction_has_written_does_not_wait_yet(
    kafka: KafkaSettings, name: str, committed: Consumer, reader: Reader
) -> None:
    put(kafka, name, 0, 2)
    committed.commit(offsets=[TopicPartition(name, 0, 2)], asynchronous=False)
    producer = Producer(producer_config(kafka, {"transactional.id": name}))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(name, b"x", partition=0)
    producer.flush(30)
    lag = reader()
    assert lag.read() == 0
    producer.commit_transaction(30)
    deadline = time.monotonic() + 30
    while not (found := lag.read()) and time.monotonic() < deadline:
        time.sleep(0.05)  # the mark is written a moment later
    assert found == 2  # the record and the mark behind it


def test_an_answer_is_given_again_while_it_is_fresh(
    kafka: KafkaSettings, name: str, committed: Consumer, reader: Reader
) -> None:
    put(kafka, name, 0, 2)
    committed.commit(offsets=[TopicPartition(name, 0, 1)], asynchronous=False)
    seldom = reader(fresh_s=600)
    assert seldom.read() == 1
    put(kafka, name, 0, 5)
    assert seldom.read() == 1
    assert reader().read() == 6


def test_brokers_that_are_away_are_said_to_be() -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with closing(GroupLag(nowhere, group_id="g")) as lag, pytest.raises(ServiceError):
        lag.read()
