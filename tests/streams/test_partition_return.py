"""What is read of a partition that goes and comes back, by librdkafka on its own mock cluster."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from earmark.streams.course import Onward
from earmark.streams.crash_ledger import CrashLedger
from earmark.streams.header import NOT_BEFORE
from earmark.streams.intake import Intake

LATER = str((time.time_ns() + 10**13) // 1_000_000).encode()
RETRY = ("retried", 0)
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster with a record whose time has not come."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    (broker,) = producer.list_topics(timeout=LIMIT_S).brokers.values()
    topic, number = RETRY
    producer.produce(topic, b"again", partition=number, headers=[(NOT_BEFORE, LATER)])
    assert producer.flush(LIMIT_S) == 0
    yield f"{broker.host}:{broker.port}"
    producer.close()


@pytest.fixture
def consumer(cluster: str) -> Iterator[Consumer]:
    own = {"bootstrap.servers": cluster, "group.id": "g", "log_level": 0}
    consumer = Consumer({**own, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    yield consumer
    consumer.close()


@pytest.fixture
def intake(consumer: Consumer, tmp_path: Path) -> Iterator[Intake]:
    crashes = CrashLedger(tmp_path / "crashes.sqlite")
    yield Intake(consumer, crashes, Onward(), batch=10, long_topic=None)
    crashes.close()


def reads(intake: Intake) -> bool:
    """Whether the record is found."""
    deadline = time.monotonic() + LIMIT_S
    while not intake.holds([RETRY]) and time.monotonic() < deadline:
        assert not intake.take(in_flight=0, full=False, long_in_flight=False)
    return intake.holds([RETRY])


def test_a_partition_that_rested_is_read_when_it_comes_back(
    consumer: Consumer, intake: Intake
) -> None:
    consumer.assign([TopicPartition(*RETRY, 0)])
    assert reads(intake)
    intake.drop([RETRY])  # as in a rebalance
    consumer.unassign()
    consumer.assign([TopicPartition(*RETRY, 0)])
    assert reads(intake)
