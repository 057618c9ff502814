"""What is read as partitions go and come back, by librdkafka on its own mock cluster."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from earmark.streams.course import Onward
from earmark.streams.crash_ledger import CrashLedger
from earmark.streams.header import NOT_BEFORE
from earmark.streams.intake import Intake

LATER = str((time.time_ns() + 10**13) // 1_000_000).encode()
RETRY = ("retried", 0)
FRESH = ("fresh", 0)
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster with a record whose time has not come, and one whose time has."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    (broker,) = producer.list_topics(timeout=LIMIT_S).brokers.values()
    topic, number = RETRY
    producer.produce(topic, b"again", partition=number, headers=[(NOT_BEFORE, LATER)])
    producer.produce(FRESH[0], b"now", partition=FRESH[1])
    assert producer.flush(LIMIT_S) == 0
    yield f"{broker.host}:{broker.port}"
    producer.close()


class Rebalanced(Consumer):
    """Calls `rebalance` within each poll that gives a record, as the group does now and then."""

    rebalance: Callable[[], None] = staticmethod(lambda: None)

    def poll(self, timeout: float = -1) -> Message | None:
        found = super().poll(timeout)
        if found is not None:
            self.rebalance()
        return found


@pytest.fixture
def consumer(cluster: str) -> Iterator[Rebalanced]:
    own = {"bootstrap.servers": cluster, "group.id": "g", "log_level": 0}
    consumer = Rebalanced({**own, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    yield consumer
    consumer.close()


@pytest.fixture
def intake(consumer: Rebalanced, tmp_path: Path) -> Iterator[Intake]:
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


def test_what_is_read_while_another_partition_goes_is_not_lost(
    consumer: Rebalanced, intake: Intake
) -> None:
    consumer.assign([TopicPartition(*FRESH, 0)])
    consumer.rebalance = lambda: intake.drop([RETRY])
    taken: list[Message] = []
    deadline = time.monotonic() + LIMIT_S
    while not taken and time.monotonic() < deadline:
        taken += intake.take(in_flight=0, full=False, long_in_flight=False)
    assert [message.value() for message in taken] == [b"now"]
