"""What may pass is tried again later; what does not pass ends as a dead letter."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import Rejection
from earmark.streams.local.port import free_port
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.remedy import Remedy, may_pass, remedy
from earmark.streams.retry import pause_s
from earmark.streams.settings import RetrySettings, Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import RECEIPTS

SAMPLES = Path(__file__).resolve().parents[2] / "streams" / "samples"
LANGUAGE, INTEGRITY = "text.language", "audio.integrity"


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def media_host(port: int) -> Iterator[None]:
    handler = partial(Silent, directory=str(SAMPLES))
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def settings(stack: Stack) -> Settings:
    media = stack.settings.media.model_copy(
        update={"allow_private_addresses": True, "attempts": 1, "roots": ()}
    )
    retry = RetrySettings(attempts=4, first_s=0.5, longest_s=2)
    own = stack.settings.model_copy(update={"media": media})
    return with_worker(own, signals=(LANGUAGE, INTEGRITY), decoders=1, retry=retry)


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[None]:
    process = WorkerProcess(settings, log_dir=folder)
    process.start()
    try:
        yield
    finally:
        process.stop()


def event(item: str, port: int) -> ContentEvent:
    return ContentEvent(
        event_id=f"{item}-1",
        content_id=item,
        audio=Audio(uri=f"http://127.0.0.1:{port}/jfk.wav"),
        texts=(Text(field="title", text="The river runs quietly behind the old mill"),),
    )


def send(settings: Settings, *events: ContentEvent) -> None:
    with Producer(settings) as producer:
        for each in events:
            producer.send(each)


def read_until(settings: Settings, item: str, disposition: str) -> list[ReceivedSignal]:
    """What was committed of the item, up to its receipt with this disposition."""
    found: list[ReceivedSignal] = []
    names = ("all", "dead-letters", RECEIPTS)
    with subscribe(*names, settings=settings, from_beginning=True, timeout_s=60) as records:
        for record in records:
            if record.key == item:
                found.append(record)
                if record.record.get("disposition") == disposition:
                    break
        return found + [each for each in _soon(settings, item) if each not in found]


def _soon(settings: Settings, item: str) -> list[ReceivedSignal]:
    names = ("all", "dead-letters")
    with subscribe(*names, settings=settings, from_beginning=True, timeout_s=1) as records:
        return [record for record in records if record.key == item]


def outcomes(records: list[ReceivedSignal]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for record in records:
        if "outcome" in record.record:
            found.setdefault(record.name, []).append(record.record["outcome"])
    return found


@pytest.mark.kafka
@pytest.mark.weights
def test_a_host_that_comes_back_is_asked_again_and_nobody_waits_for_it(
    settings: Settings, tmp_path: Path
) -> None:
    item, port = uuid.uuid4().hex[:8], free_port()
    patient = RetrySettings(attempts=1_000, first_s=0.5, longest_s=1)
    with worker(with_worker(settings, retry=patient), tmp_path):
        send(settings, event(item, port))
        waiting = read_until(settings, item, "RETRIED")
        assert outcomes(waiting) == {LANGUAGE: ["OK"]}
        with media_host(port):
            records = read_until(settings, item, "ANSWERED")
    assert outcomes(records) == {LANGUAGE: ["OK"], INTEGRITY: ["OK"]}
    assert not [r for r in records if r.name in {"rejections", "dead-letters"}]


@pytest.mark.kafka
@pytest.mark.weights
def test_what_does_not_pass_is_dead_lettered_after_the_last_attempt(
    settings: Settings, tmp_path: Path
) -> None:
    item, port = uuid.uuid4().hex[:8], free_port()
    with worker(settings, tmp_path):
        send(settings, event(item, port))
        records = read_until(settings, item, "REJECTED")
    assert outcomes(records) == {LANGUAGE: ["OK"], INTEGRITY: ["ERROR"]}
    (rejection,) = [r for r in records if r.name == "rejections"]
    assert rejection.record["rejection_class"] == "MEDIA_UNREACHABLE"
    (letter,) = [r for r in records if r.name == "dead-letters"]
    assert letter.headers["earmark.attempt"] == b"4"
    assert letter.topic == "content.events.v1.dlq"


@pytest.mark.kafka
@pytest.mark.weights
def test_a_worker_stops_rather_than_drain_its_topic_into_the_dead_letters(
    settings: Settings, tmp_path: Path
) -> None:
    run = uuid.uuid4().hex[:8]
    limits = settings.worker.breaker.model_copy(update={"in_a_row": 20})
    own = with_worker(settings, breaker=limits)
    broken = [
        ContentEvent(event_id=f"{run}-{n}", content_id=f"{run}-{n}", audio=Audio(data=b"no audio"))
        for n in range(60)
    ]
    process = WorkerProcess(own, log_dir=tmp_path)
    process.start()
    send(own, *broken)
    assert process.child.wait(60) == 78
    log = (tmp_path / "worker.log").read_text()
    assert "20 events in a row would be dead-lettered" in log
    with worker(with_worker(own, breaker=limits.model_copy(update={"in_a_row": 0})), tmp_path):
        names = ("dead-letters",)
        with subscribe(*names, settings=own, from_beginning=True, timeout_s=20) as records:
            letters = set()
            for record in records:
                letters |= {record.key} if record.key.startswith(run) else set()
                if len(letters) == len(broken):
                    break
    assert len(letters) == len(broken)


@pytest.mark.parametrize(
    ("classes", "passes"),
    [
        ((), False),
        ((RejectionClass.MEDIA_UNREACHABLE,), True),
        ((RejectionClass.MEDIA_UNREACHABLE, RejectionClass.TEXT_INVALID), False),
        ((RejectionClass.MEDIA_GONE,), False),
    ],
)
def test_only_what_may_pass_is_tried_again(
    classes: tuple[RejectionClass, ...], passes: bool
) -> None:
    errors = [ContentError(each, "reason", part="audio") for each in classes]
    assert may_pass([Rejection(event=None, error=error) for error in errors]) is passes


def test_every_class_has_a_remedy() -> None:
    remedies = {each.value: remedy(each).value for each in RejectionClass}
    assert {name for name, value in remedies.items() if value == Remedy.RETRY} == {
        "MEDIA_UNREACHABLE",
        "DECODER_STALLED",
    }, json.dumps(remedies)


def test_pauses_grow_and_are_bounded() -> None:
    settings = RetrySettings(first_s=10, longest_s=100)
    for retry, whole in ((1, 10), (2, 20), (4, 80), (5, 100), (1_000, 100)):
        assert 0.75 * whole <= pause_s(retry, settings) <= 1.25 * whole
