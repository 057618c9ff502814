"""Receipts at work, on the real broker: order, idempotence and deletion, across restarts."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earmark.processors.content import Change, ContentEvent, Text
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.receipt import Disposition
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import RECEIPTS

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

LANGUAGE = "text.language"


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    return with_worker(stack.settings, signals=(LANGUAGE,), decoders=1)


@pytest.fixture
def item() -> str:
    return uuid.uuid4().hex[:8]


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[None]:
    process = WorkerProcess(settings, log_dir=folder)
    process.start()
    try:
        yield
    finally:
        process.stop()


def revision(item: str, number: int, text: str, **changes: object) -> ContentEvent:
    fields: dict[str, object] = {
        "event_id": f"{item}-{number}",
        "content_id": item,
        "revision": number,
        "texts": (Text(field="title", text=text),),
    }
    return ContentEvent(**(fields | changes))  # type: ignore[arg-type]  # fields vary by test


def answered(
    settings: Settings, *events: ContentEvent, force: bool = False
) -> list[ReceivedSignal]:
    """Everything of the items that the topics hold once the last of the events has its receipt."""
    with Producer(settings) as producer:
        for event in events:
            producer.send(event, headers={"earmark.force": b"1"} if force else {})
    found: list[ReceivedSignal] = []
    waiting = {event.event_id for event in events}
    with subscribe(
        LANGUAGE, RECEIPTS, settings=settings, from_beginning=True, timeout_s=30
    ) as records:
        for record in records:
            if record.key == events[0].content_id:
                found.append(record)
            waiting.discard(str(record.record.get("last_event_id")))
            if not waiting:
                break
    with subscribe(LANGUAGE, settings=settings, from_beginning=True, timeout_s=1) as records:
        signals = [record for record in records if record.key == events[0].content_id]
    return signals + [record for record in found if record.topic == RECEIPTS]


def revisions(records: list[ReceivedSignal]) -> list[int | None]:
    """Of the signals, in order; None for a tombstone."""
    return [r.record.get("revision") for r in records if r.topic != RECEIPTS]


def dispositions(records: list[ReceivedSignal]) -> list[str]:
    return [r.record["disposition"] for r in records if r.topic == RECEIPTS]


RIVER, MILL = "The river runs quietly by", "An old mill stands on the hill"


def test_late_revisions_write_nothing_and_the_latest_answer_alone_counts(
    settings: Settings, tmp_path: Path, item: str
) -> None:
    with worker(settings, tmp_path):
        records = answered(
            settings,
            revision(item, 1, RIVER),
            revision(item, 3, MILL),
            revision(item, 2, RIVER),  # late
            revision(item, 4, MILL),  # as before
            revision(item, 5, RIVER),  # as it was at first: A, B, A ends on A
        )
    assert revisions(records) == [1, 3, 5]
    assert dispositions(records) == ["ANSWERED", "ANSWERED", "SUPERSEDED", "UNCHANGED", "ANSWERED"]


def test_receipts_outlive_the_worker_and_its_disk(
    settings: Settings, tmp_path: Path, item: str
) -> None:
    with worker(settings, tmp_path):
        answered(settings, revision(item, 7, RIVER))
    with worker(settings, tmp_path):  # its receipts are on this disk
        answered(settings, revision(item, 8, RIVER), revision(item, 6, MILL))
    shutil.rmtree(settings.state_folder)
    with worker(settings, tmp_path):  # a new machine: read again from the topic
        records = answered(settings, revision(item, 9, RIVER), revision(item, 5, MILL))
    assert revisions(records) == [7]
    assert dispositions(records) == ["ANSWERED", *["UNCHANGED", "SUPERSEDED"] * 2]


def test_what_was_erased_does_not_come_back(settings: Settings, tmp_path: Path, item: str) -> None:
    gone = revision(item, 2, "", change=Change.DELETED, texts=())
    with worker(settings, tmp_path):
        records = answered(settings, revision(item, 1, RIVER), gone, revision(item, 1, RIVER))
        assert revisions(records) == [1, None]
        again = answered(settings, revision(item, 3, RIVER))
    assert revisions(again) == [1, None, 3]
    assert dispositions(again) == ["ANSWERED", "DELETED", "SUPERSEDED", "ANSWERED"]


def test_force_answers_again_what_did_not_change(
    settings: Settings, tmp_path: Path, item: str
) -> None:
    with worker(settings, tmp_path):
        answered(settings, revision(item, 1, RIVER))
        records = answered(settings, revision(item, 2, RIVER), force=True)
    assert revisions(records) == [1, 2]
    assert dispositions(records)[-1] == Disposition.ANSWERED


def test_another_group_needs_receipts_of_its_own(
    settings: Settings, tmp_path: Path, item: str
) -> None:
    with worker(settings, tmp_path):
        answered(settings, revision(item, 1, RIVER))
    kafka = settings.kafka.model_copy(update={"group_id": f"other-{item}"})
    process = WorkerProcess(settings.model_copy(update={"kafka": kafka}), log_dir=tmp_path)
    with pytest.raises(Exception, match="receipts"):
        process.start()
    process.stop()
