"""Exactly once when workers are stopped in their tracks, under both group protocols."""

import os
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from earmark.processors.content import ContentEvent, Text
from earmark.streams.kafka import client_config
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import subscribe
from earmark.streams.topic import create_topics

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SIGNALS = ("text.language", "text.embedding")
LIMIT_S = 120.0


@pytest.fixture(scope="module", params=["classic", "consumer"])
def settings(request: pytest.FixtureRequest, stack: Stack) -> Settings:
    """A group of its own for each protocol: no group changes it while it has members."""
    own = {
        "group_protocol": request.param,
        "group_id": f"delivery-{request.param}",
        "receipts_topic": f"delivery-{request.param}.receipts.v1",
    }
    kafka = stack.settings.kafka.model_copy(update=own)
    settings = stack.settings.model_copy(update={"kafka": kafka})
    create_topics(settings)
    return with_worker(settings, signals=SIGNALS, decoders=1)


def send(settings: Settings, run: str, numbers: range) -> None:
    with Producer(settings) as producer:
        for number in numbers:
            text = Text(field="title", text=f"The river runs quietly behind mill {number}")
            item = f"{run}-{number}"
            producer.send(ContentEvent(event_id=item, content_id=item, texts=(text,)))


def committed(settings: Settings, run: str, wanted: int) -> Counter[tuple[str, str]]:
    """How often each signal of each item of the run was committed, once all have come."""
    found: Counter[tuple[str, str]] = Counter()
    deadline = time.monotonic() + LIMIT_S
    with subscribe(*SIGNALS, settings=settings, from_beginning=True, timeout_s=1) as records:
        while time.monotonic() < deadline and len(found) < wanted:
            found.update((r.name, r.key) for r in records if r.key.startswith(run))
        found.update((r.name, r.key) for r in records if r.key.startswith(run))
    return found


@contextmanager
def worker(settings: Settings, slot: str, folder: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(with_worker(settings, slot=slot), log_dir=folder / slot)
    process.start()
    try:
        yield process
    finally:
        process.kill()


class Ends:
    """Where a topic ends, to those who read what is committed and to all."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._partitions = [TopicPartition(topic, n) for n in range(settings.kafka.partitions)]
        self._readers = [
            Consumer(
                client_config(
                    settings.kafka,
                    {"group.id": "ends", "isolation.level": f"read_{level}"},
                )
            )
            for level in ("committed", "uncommitted")
        ]

    @property
    def differ(self) -> bool:
        """Whether a transaction is open."""
        committed, written = (
            [reader.get_watermark_offsets(each, timeout=10)[1] for each in self._partitions]
            for reader in self._readers
        )
        return committed != written

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


def stays_open(ends: "Ends") -> bool:
    """Whether a transaction is open that was not about to end: its end may be on the way."""
    time.sleep(1)
    return ends.differ


def freeze_in_a_transaction(process: WorkerProcess, settings: Settings) -> None:
    """Stop the process at a moment at which its transaction is open."""
    ends = Ends(settings, f"signals.{SIGNALS[0]}.v1")
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        os.kill(process.child.pid, signal.SIGSTOP)
        if ends.differ and stays_open(ends):
            ends.close()
            return
        os.kill(process.child.pid, signal.SIGCONT)
        time.sleep(random.uniform(0.002, 0.03))
    raise AssertionError("no transaction was caught open")


def test_a_zombie_whose_transaction_has_timed_out_writes_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    run, count = uuid.uuid4().hex[:8], 4_000
    with worker(settings, "0", tmp_path) as first:
        send(settings, run, range(count))
        freeze_in_a_transaction(first, settings)
        with worker(settings, "1", tmp_path):
            alone = committed(settings, run, len(SIGNALS) * count)
            os.kill(first.child.pid, signal.SIGCONT)
            status = first.child.wait(LIMIT_S)  # what it held cannot be published any more
            both = committed(settings, run, len(SIGNALS) * count)
    assert len(alone) == len(SIGNALS) * count
    assert set(both.values()) == {1}
    assert status != 0


def test_workers_that_come_leave_and_are_killed_answer_each_event_once(
    settings: Settings, tmp_path: Path
) -> None:
    run, count = uuid.uuid4().hex[:8], 1_000
    with worker(settings, "0", tmp_path) as first, worker(settings, "1", tmp_path) as second:
        send(settings, run, range(count))
        with worker(settings, "2", tmp_path):
            send(settings, run, range(count, 2 * count))
            with worker(settings, "3", tmp_path):
                send(settings, run, range(2 * count, 3 * count))
                second.kill()
                send(settings, run, range(3 * count, 4 * count))
                first.stop()
                found = committed(settings, run, len(SIGNALS) * 4 * count)
    assert len(found) == len(SIGNALS) * 4 * count
    assert set(found.values()) == {1}
