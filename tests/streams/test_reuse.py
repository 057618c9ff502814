"""What the worker does not do twice, on the real broker: media that are gone are the proof."""

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.streams.header import FORCE
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import ITEMS, LONG_EVENTS, RECEIPTS

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

JFK = Path(__file__).resolve().parents[2] / "streams" / "samples" / "jfk.wav"
SIGNALS = ("audio.integrity", "audio.speech", "text.language")
AUDIO, LANGUAGE = SIGNALS[:2], SIGNALS[2]
RIVER, MILL = "The river runs quietly by", "Die alte Mühle steht am Fluss"


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    media = stack.settings.media.model_copy(update={"roots": (tmp_path_factory.getbasetemp(),)})
    own = stack.settings.model_copy(update={"media": media})
    return with_worker(own, signals=SIGNALS, decoders=1)


@pytest.fixture
def item() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording that nobody has heard yet."""
    path = tmp_path / "talk.wav"
    shutil.copyfile(JFK, path)
    with path.open("ab") as file:
        file.write(uuid.uuid4().bytes)
    return path


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(settings, log_dir=folder)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def seconds_heard(process: WorkerProcess) -> float:
    with urlopen(f"{process.url}/metrics") as answer:  # noqa: S310  # our own
        lines = answer.read().decode().splitlines()
    (line,) = [line for line in lines if line.startswith("earmark_audio_seconds_total")]
    return float(line.split()[1])


def at(path: Path, *, stated: bool = True) -> Audio:
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if stated else None
    return Audio(uri=path.as_uri(), sha256=digest)


def revision(item: str, number: int, audio: Audio | None, text: str = RIVER) -> ContentEvent:
    return ContentEvent(
        event_id=f"{item}-{number}",
        content_id=item,
        revision=number,
        audio=audio,
        texts=(Text(field="title", text=text),),
    )


def answered(settings: Settings, event: ContentEvent, *, send: bool = True) -> list[ReceivedSignal]:
    """What the item's signals, items and rejections are once the event has its receipt."""
    if send:
        with Producer(settings) as producer:
            producer.send(event)
    with subscribe(RECEIPTS, settings=settings, from_beginning=True, timeout_s=60) as receipts:
        assert any(r.record.get("last_event_id") == event.event_id for r in receipts)
    names = (*SIGNALS, ITEMS, LONG_EVENTS, "rejections")
    with subscribe(*names, settings=settings, from_beginning=True, timeout_s=1) as records:
        return [record for record in records if record.key == event.content_id]


def outcomes(records: list[ReceivedSignal], name: str) -> list[str | None]:
    return [record.record.get("outcome") for record in records if record.name == name]


def test_a_new_title_is_read_and_the_audio_is_not_heard_again(
    settings: Settings, tmp_path: Path, item: str, recording: Path
) -> None:
    audio = at(recording)
    with worker(settings, tmp_path):
        answered(settings, revision(item, 1, audio))
        recording.unlink()
        records = answered(settings, revision(item, 2, audio, text=MILL))
    assert {name: outcomes(records, name) for name in (*AUDIO, "rejections")} == {
        **{name: ["OK"] for name in AUDIO},
        "rejections": [],
    }
    languages = [r.record["language"] for r in records if r.name == LANGUAGE]
    assert languages == ["en", "de"]


@pytest.mark.parametrize("stated", [True, False])
def test_the_same_recording_under_another_item_is_heard_once(
    settings: Settings, tmp_path: Path, item: str, recording: Path, stated: bool
) -> None:
    with worker(settings, tmp_path) as running:
        first = answered(settings, revision(item, 1, at(recording)))
        heard_s = seconds_heard(running)
        second = answered(settings, revision(f"{item}-2", 1, at(recording, stated=stated)))
        assert (round(heard_s), seconds_heard(running)) == (11, heard_s)
    own = {"signal_id", "content_id", "event_id"}
    for name in AUDIO:
        one, other = (
            [{k: v for k, v in r.record.items() if k not in own} for r in records if r.name == name]
            for records in (first, second)
        )
        assert one == other
        assert [record["outcome"] for record in one] == ["OK"]


def test_the_catalogue_holds_the_latest_event_of_an_item_and_no_media(
    settings: Settings, tmp_path: Path, item: str
) -> None:
    inline = Audio(data=JFK.read_bytes()[:100_044])
    with worker(settings, tmp_path):
        answered(settings, revision(item, 1, inline))
        records = answered(settings, revision(item, 2, inline, text=MILL))
        (first, second) = [r.record for r in records if r.topic == ITEMS]
        gone = ContentEvent(
            event_id=f"{item}-3", content_id=item, revision=3, change=Change.DELETED
        )
        records = answered(settings, gone)
    assert (first["revision"], second["revision"]) == (1, 2)
    assert second["audio"]["data"] is None
    assert second["audio"]["uri"].startswith("kafka://content.events.v1/")
    assert second["audio"]["sha256"] == hashlib.sha256(inline.data or b"").hexdigest()
    assert second["texts"][0]["text"] == MILL
    assert [r.deleted for r in records if r.topic == ITEMS] == [False, False, True]


def test_a_long_recording_is_set_apart_and_answered_once(
    settings: Settings, tmp_path: Path, item: str, recording: Path
) -> None:
    with worker(with_worker(settings, long_minutes=0.05), tmp_path):
        records = answered(settings, revision(item, 1, at(recording)))
    assert len([r for r in records if r.topic == LONG_EVENTS]) == 1
    assert {name: outcomes(records, name) for name in SIGNALS} == {name: ["OK"] for name in SIGNALS}
    assert outcomes(records, "rejections") == []


def test_a_long_recording_that_a_newer_event_has_overtaken_is_not_answered(
    settings: Settings, tmp_path: Path, item: str, recording: Path
) -> None:
    late, newer = revision(item, 1, at(recording)), revision(item, 2, None, text=MILL)
    with worker(with_worker(settings, long_minutes=0.05), tmp_path):
        with Producer(settings) as producer:
            producer.send(late)
            producer.send(newer)
        records = answered(settings, late, send=False)
    assert outcomes(records, LANGUAGE) == ["OK"]
    assert [outcomes(records, name) for name in AUDIO] == [[], []]


def test_a_long_recording_that_is_forced_loses_nothing_and_is_answered_again(
    settings: Settings, tmp_path: Path, item: str, recording: Path
) -> None:
    event = revision(item, 1, at(recording))
    again = replace(event, event_id=f"{item}-forced")
    with worker(with_worker(settings, long_minutes=0.05), tmp_path):
        answered(settings, event)
        with Producer(settings) as producer:
            producer.send(again, headers={FORCE: b"1"})
        records = answered(settings, again, send=False)
    assert {name: outcomes(records, name) for name in SIGNALS} == {
        name: ["OK", "OK"] for name in SIGNALS
    }
    items = [record for record in records if record.topic == ITEMS]
    assert len(items) == 2
    assert not any(FORCE in record.headers for record in items)  # a replay of them forces nothing
