"""Workers that are restarted one after another, amid traffic, answer each event once."""

import uuid
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest

from earmark.processors.content import ContentEvent, Text
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import subscribe
from earmark.streams.topic import create_topics

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SIGNAL = "text.language"
LIMIT_S = 240.0
BETWEEN = 400  # events sent while one worker after the other goes and comes back


@pytest.fixture
def settings(stack: Stack) -> Settings:
    """A group of this test's own, with receipts of its own."""
    group = f"rolling-{uuid.uuid4().hex[:8]}"
    own = {"group_id": group, "receipts_topic": f"{group}.receipts.v1"}
    kafka = stack.settings.kafka.model_copy(update=own)
    settings = stack.settings.model_copy(update={"kafka": kafka})
    create_topics(settings)
    return with_worker(settings, signals=(SIGNAL,), decoders=1)


def send(settings: Settings, run: str, numbers: range) -> None:
    with Producer(settings) as producer:
        for number in numbers:
            text = Text(field="title", text=f"The harbour lay quiet behind mill {number}")
            item = f"{run}-{number}"
            producer.send(ContentEvent(event_id=item, content_id=item, texts=(text,)))


def committed(settings: Settings, run: str, wanted: int) -> Counter[str]:
    """How often each item of the run was answered, once all have been."""
    found: Counter[str] = Counter()
    deadline = monotonic() + LIMIT_S
    with subscribe(SIGNAL, settings=settings, from_beginning=True, timeout_s=1) as records:
        while monotonic() < deadline and len(found) < wanted:
            found.update(it.key for it in records if it.key.startswith(run))
        found.update(it.key for it in records if it.key.startswith(run))
    return found


def test_a_rolling_restart_answers_each_event_once_and_no_worker_ends_badly(
    settings: Settings, tmp_path: Path
) -> None:
    run = uuid.uuid4().hex[:8]
    workers = [
        WorkerProcess(with_worker(settings, slot=slot), log_dir=tmp_path / slot) for slot in "01"
    ]
    statuses, sent = [], 0
    try:
        for worker in workers:
            worker.launch()
        for worker in workers:
            worker.child.wait_until(worker.is_ready, LIMIT_S)
        for worker in workers:
            send(settings, run, range(sent, sent := sent + BETWEEN))
            worker.stop()  # SIGTERM, as any orchestrator does
            statuses.append(worker.child.status)
            send(settings, run, range(sent, sent := sent + BETWEEN))
            worker.start()  # the same slot
        found = committed(settings, run, sent)
    finally:
        for worker in workers:
            worker.kill()
    assert statuses == [0, 0]
    assert len(found) == sent == 4 * BETWEEN
    assert set(found.values()) == {1}
