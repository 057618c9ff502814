"""What is read before its time is kept in part and read again, in order and each record once."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from earmark.streams.course import Onward
from earmark.streams.crash_ledger import CrashLedger
from earmark.streams.flight import Partition
from earmark.streams.header import NOT_BEFORE
from earmark.streams.intake import Intake
from earmark.streams.kafka import client_config, consumer_config
from earmark.streams.local.stack import Stack
from earmark.streams.settings import KafkaSettings

pytestmark = pytest.mark.kafka

RECORDS = 20
RECORD_BYTES = 20_000  # 400 kB in all: they come in one answer of the broker
KEPT_BYTES = 100_000
LIMIT_S = 60.0
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def _little_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.streams.intake.KEPT_BYTES", KEPT_BYTES)


@pytest.fixture
def topic(stack: Stack) -> str:
    """A topic of one partition."""
    name = f"intake-{uuid.uuid4().hex[:8]}"
    admin = AdminClient(client_config(stack.settings.kafka))
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
    return name


def produce(kafka: KafkaSettings, topic: str, *, due_ms: int) -> None:
    producer = Producer(client_config(kafka))
    for number in range(RECORDS):
        producer.produce(
            topic,
            bytes(RECORD_BYTES),
            str(number).encode(),
            headers=[(NOT_BEFORE, str(due_ms + number).encode())],
        )
    assert producer.flush(30) == 0


class Noting(Onward):
    """The offsets that were admitted, and how many they were when the end was reached."""

    def __init__(self) -> None:
        self.admitted: set[int] = set()
        self.ends: list[int] = []

    def admits(self, message: Message) -> bool:
        self.admitted.add(message.offset() or 0)
        return True

    def reached(self, partition: Partition, offset: int) -> None:
        self.ends.append(len(self.admitted))


@contextmanager
def intake(
    kafka: KafkaSettings,
    topic: str,
    folder: Path,
    course: Onward,
    *,
    long: bool = False,
    batch: int = 256,
) -> Iterator[Intake]:
    own = {"group.id": topic, "auto.offset.reset": "earliest", "enable.partition.eof": True}
    consumer = Consumer(consumer_config(kafka, own))
    consumer.assign([TopicPartition(topic, 0, 0)])
    crashes = CrashLedger(folder / "crashes.sqlite")
    try:
        yield Intake(consumer, crashes, course, batch=batch, long_topic=topic if long else None)
    finally:
        crashes.close()
        consumer.close()


def numbers(messages: list[Message]) -> list[int]:
    return [int(message.key() or b"") for message in messages]


def test_of_records_that_wait_few_are_kept_and_all_come_in_the_end(
    stack: Stack, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka, course = stack.settings.kafka, Noting()
    now_ms = time.time_ns() // 1_000_000
    produce(kafka, topic, due_ms=now_ms + HOUR_MS)
    deadline = time.monotonic() + LIMIT_S
    taken: list[int] = []

    def take() -> list[int]:
        assert time.monotonic() < deadline
        return numbers(reading.take(in_flight=0, full=False, long_in_flight=False))

    with intake(kafka, topic, tmp_path, course) as reading:
        while not course.admitted:
            assert take() == []
        for _ in range(5):
            assert take() == []
        assert reading.waiting_bytes == KEPT_BYTES
        assert course.ends == []
        later = SimpleNamespace(
            monotonic=time.monotonic, time_ns=lambda: (now_ms + 2 * HOUR_MS) * 1_000_000
        )
        monkeypatch.setattr("earmark.streams.intake.time", later)
        while len(taken) < RECORDS:
            taken += take()
        while not course.ends:
            assert take() == []
        assert reading.waiting_bytes == 0
    assert taken == list(range(RECORDS))
    assert set(course.ends) == {RECORDS}  # a replay takes it for the word that all was seen


def test_of_long_ones_few_are_kept_and_they_come_one_at_a_time(
    stack: Stack, topic: str, tmp_path: Path
) -> None:
    kafka = stack.settings.kafka
    produce(kafka, topic, due_ms=0)
    taken: list[int] = []
    most_kept = 0
    deadline = time.monotonic() + LIMIT_S
    with intake(kafka, topic, tmp_path, Onward(), long=True) as reading:
        while len(taken) < RECORDS and time.monotonic() < deadline:
            found = numbers(reading.take(in_flight=0, full=False, long_in_flight=False))
            assert len(found) <= 1
            taken += found
            most_kept = max(most_kept, reading.waiting_bytes)
    assert taken == list(range(RECORDS))
    assert most_kept <= KEPT_BYTES


def test_intake_is_at_rest_once_it_has_read_all_that_is_there(
    stack: Stack, topic: str, tmp_path: Path
) -> None:
    produce(stack.settings.kafka, topic, due_ms=0)
    taken: list[int] = []
    with intake(stack.settings.kafka, topic, tmp_path, Onward(), batch=8) as reading:
        deadline = time.monotonic() + LIMIT_S
        while len(taken) < RECORDS:
            assert time.monotonic() < deadline
            new = numbers(reading.take(in_flight=0, full=False, long_in_flight=False))
            taken += new
            assert reading.at_rest is (len(new) < 8)
