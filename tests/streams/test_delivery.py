"""Exactly once when workers are stopped in their tracks, under both group protocols."""

import os
import signal
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from earmark.processors.content import ContentEvent, Text
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


def test_a_worker_killed_in_mid_batch_is_made_good_by_another(
    settings: Settings, tmp_path: Path
) -> None:
    run, count = uuid.uuid4().hex[:8], 3_000
    first = WorkerProcess(settings, log_dir=tmp_path / "first")
    second = WorkerProcess(with_worker(settings, slot="1"), log_dir=tmp_path / "second")
    try:
        first.start()
        second.start()
        send(settings, run, range(count))
        time.sleep(0.3)
        first.kill()
        found = committed(settings, run, len(SIGNALS) * count)
    finally:
        first.kill()
        second.stop()
    assert len(found) == len(SIGNALS) * count
    assert set(found.values()) == {1}


def test_a_zombie_that_wakes_up_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    run, count = uuid.uuid4().hex[:8], 3_000
    first = WorkerProcess(settings, log_dir=tmp_path / "first")
    second = WorkerProcess(with_worker(settings, slot="1"), log_dir=tmp_path / "second")
    try:
        first.start()
        send(settings, run, range(count))
        time.sleep(0.5)  # it is in the middle of its work
        os.kill(first.child.pid, signal.SIGSTOP)
        second.start()
        alone = committed(settings, run, len(SIGNALS) * count)
        os.kill(first.child.pid, signal.SIGCONT)
        time.sleep(5)  # what it held is published now, if anything lets it
        both = committed(settings, run, len(SIGNALS) * count)
    finally:
        first.kill()
        second.stop()
    assert len(alone) == len(SIGNALS) * count
    assert set(both.values()) == {1}
