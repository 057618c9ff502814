"""The worker on the real broker: every event answered once, whatever happens to the worker."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import confluent_kafka
import pytest
from fastavro import parse_schema, schemaless_writer

from earmark.processors.codec import event_record
from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.processors.schema import plain, schema_of
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.registry import Registry
from earmark.streams.settings import RetrySettings, Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import CONTENT_EVENTS, MADE_OF_ANSWERS

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SAMPLES = Path(__file__).resolve().parents[2] / "streams" / "samples"
SIGNALS = ("audio.integrity", "audio.loudness", "text.language", "text.embedding")
SOUND = Audio(data=(SAMPLES / "jfk.wav").read_bytes()[:200_000])  # its header says it is longer
WHOLE_RUN_S = 90.0
STAND_IN = "\u20ac"  # as many bytes in UTF-8 as a lone surrogate, which no Avro writer lets through


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    at_once = RetrySettings(attempts=1)  # what may pass is tried again in test_retry
    return with_worker(stack.settings, signals=SIGNALS, decoders=1, retry=at_once)


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(settings, log_dir=folder)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def text_event(item: str, **changes: object) -> ContentEvent:
    fields: dict[str, object] = {
        "event_id": f"{item}-1",
        "content_id": item,
        "event_time": 1_700_000_000_000,
        "texts": (Text(field="title", text="The river runs quietly behind the old mill"),),
    }
    return ContentEvent(**(fields | changes))  # type: ignore[arg-type]  # fields vary by test


def send(settings: Settings, events: list[ContentEvent]) -> None:
    with Producer(settings) as producer:
        for event in events:
            producer.send(event, headers={"traceparent": b"00-abc-def-01"})


def read_until(
    settings: Settings, run: str, enough: Callable[[list[ReceivedSignal]], bool]
) -> list[ReceivedSignal]:
    """Committed records of this run from the beginning of all topics, and a moment more."""
    found: list[ReceivedSignal] = []
    deadline = time.monotonic() + WHOLE_RUN_S
    names = ("all", "dead-letters", *MADE_OF_ANSWERS)
    with subscribe(*names, settings=settings, from_beginning=True, timeout_s=1.0) as records:
        while time.monotonic() < deadline:
            found += [record for record in records if record.key.startswith(run)]
            if enough(found):
                break
    return found


def answers(records: list[ReceivedSignal]) -> Counter[tuple[str, str]]:
    return Counter((record.name, record.key) for record in records)


@pytest.fixture
def run() -> str:
    return uuid.uuid4().hex[:8]


def test_each_signal_of_each_event_is_published_once_with_its_headers(
    settings: Settings, tmp_path: Path, run: str
) -> None:
    items = [f"{run}-{number}" for number in range(40)]
    with worker(settings, tmp_path):
        send(settings, [text_event(item) for item in items])
        records = read_until(settings, run, lambda found: len(found) >= 80)
    expected = Counter(
        {(name, i): 1 for i in items for name in ("text.language", "text.embedding")}
    )
    assert answers(records) == expected
    headers = records[0].headers
    assert headers["traceparent"] == b"00-abc-def-01"
    assert headers["ce_type"].decode() == records[0].topic
    assert headers["ce_id"].decode() == f"{records[0].record['signal_id']}/{records[0].key}-1"


def test_bad_events_become_rejections_and_dead_letters_and_disturb_nothing_else(
    settings: Settings, tmp_path: Path, run: str
) -> None:
    bad = {
        "empty": Audio(data=b""),
        "text": Audio(data=b"plain text under the name of a song\n" * 50, media_type="audio/mpeg"),
        "cut": SOUND,
        "hash": Audio(data=SOUND.data, sha256="0" * 64),
        "gone": Audio(uri="https://media.invalid/song.mp3"),
        "scheme": Audio(uri="gopher://media.example/song.mp3"),
        "private": Audio(uri="http://127.0.0.1:1/song.mp3"),
        "root": Audio(uri="file:///etc/hostname"),
        "label": Audio(uri="http://media..example/song.mp3"),
    }
    events = [text_event(f"{run}-{name}", audio=audio) for name, audio in bad.items()]
    events.append(text_event(f"{run}-surrogate", texts=(Text(field="comment", text="\ud800"),)))
    events.append(text_event(f"{run}-long", texts=(Text(field="comment", text="a" * 1_000_000),)))
    strays = {
        f"{run}-stray": b"not Avro",
        f"{run}-schema": b"\x00\x7f\xff\xff\xff1234",
        f"{run}-large": bytes(10_000_000),  # a few kB as the broker sees it
    }
    with worker(settings, tmp_path):
        send(settings, [*(text_event(f"{run}-good-{n}") for n in range(5)), *events[:-2]])
        _send_raw(settings, strays | _encoded(settings, events[-2:]))
        wanted = len(events) + len(strays)
        records = read_until(
            settings, run, lambda found: answers_of(found, "dead-letters") >= wanted
        )
    classes = {r.key[9:]: r.record["rejection_class"] for r in records if r.name == "rejections"}
    assert classes == {
        "empty": "MEDIA_EMPTY",
        "text": "MEDIA_UNRECOGNISED",
        "cut": "MEDIA_TRUNCATED",
        "hash": "MEDIA_HASH_MISMATCH",
        "gone": "MEDIA_UNREACHABLE",
        "scheme": "URI_REFUSED",
        "private": "URI_REFUSED",
        "root": "URI_REFUSED",
        "label": "URI_REFUSED",
        "surrogate": "TEXT_INVALID",
        "long": "TEXT_TOO_LONG",
        "stray": "RECORD_UNDECODABLE",
        "schema": "RECORD_SCHEMA_UNKNOWN",
        "large": "RECORD_TOO_LARGE",
    }
    letters = {r.key: r.value for r in records if r.name == "dead-letters"}
    assert {key: letters[key] for key in strays} == strays
    outcomes = {(r.name, r.key[9:]): r.record["outcome"] for r in records if "outcome" in r.record}
    assert all(outcomes["text.language", f"good-{n}"] == "OK" for n in range(5))
    assert outcomes["text.language", "empty"] == "OK"
    assert outcomes["audio.loudness", "empty"] == "ERROR"
    assert outcomes["text.language", "long"] == "ERROR"
    assert set(answers(records).values()) == {1}


def test_a_worker_killed_in_mid_batch_answers_every_event_exactly_once(
    settings: Settings, tmp_path: Path, run: str
) -> None:
    items = [f"{run}-{number}" for number in range(2_000)]
    send(settings, [text_event(item) for item in items])
    process = WorkerProcess(settings, log_dir=tmp_path)
    for life in range(3):
        process.start()
        time.sleep(0.15 * (life + 1))  # somewhere in the middle of its work
        process.kill()
    with worker(settings, tmp_path):
        records = read_until(settings, run, lambda found: len(found) >= 2 * len(items))
    assert len(records) == 2 * len(items)
    assert set(answers(records).values()) == {1}


def test_a_worker_asked_to_stop_finishes_what_it_has(
    settings: Settings, tmp_path: Path, run: str
) -> None:
    send(settings, [text_event(f"{run}-{number}") for number in range(500)])
    process = WorkerProcess(settings, log_dir=tmp_path)
    process.start()
    process.child.stop()
    first = len(read_until(settings, run, lambda _: True))
    with worker(settings, tmp_path):
        records = read_until(settings, run, lambda found: len(found) >= 1_000)
    assert first <= 1_000
    assert set(answers(records).values()) == {1}
    assert '"stopped"' in (tmp_path / "worker.log.1").read_text()


def test_two_workers_share_the_partitions_and_answer_once(
    settings: Settings, tmp_path: Path, run: str
) -> None:
    other = with_worker(settings, slot="1")
    with worker(settings, tmp_path / "a"):
        send(settings, [text_event(f"{run}-{number}") for number in range(300)])
        with worker(other, tmp_path / "b"):  # the first gives half of its partitions away
            send(settings, [text_event(f"{run}-{number}") for number in range(300, 600)])
            records = read_until(settings, run, lambda found: len(found) >= 1_200)
    assert len(records) == 1_200
    assert set(answers(records).values()) == {1}


def test_a_deleted_item_gets_tombstones_for_its_answers_and_what_is_made_of_them(
    settings: Settings, tmp_path: Path, run: str
) -> None:
    expected = {*SIGNALS, *MADE_OF_ANSWERS}
    with worker(settings, tmp_path):
        send(settings, [text_event(run, change=Change.DELETED, texts=(), revision=2)])
        records = read_until(settings, run, lambda found: len(found) >= len(expected))
    assert {record.name for record in records if record.deleted} == expected


def answers_of(records: list[ReceivedSignal], name: str) -> int:
    return sum(record.name == name for record in records)


def _send_raw(settings: Settings, payloads: dict[str, bytes]) -> None:
    config = producer_config(settings.kafka, {"message.max.bytes": 12_000_000})
    producer = confluent_kafka.Producer(config)
    for key, payload in payloads.items():
        producer.produce(CONTENT_EVENTS, payload, key.encode())
    assert producer.flush(30) == 0


def _encoded(settings: Settings, events: list[ContentEvent]) -> dict[str, bytes]:
    """Records that our own producer refuses to make, as another producer would make them."""
    schema = schema_of(CONTENT_EVENTS)
    with Registry(settings.registry) as registry:
        schema_id = registry.id_of(schema)
    assert schema_id is not None
    made: dict[str, bytes] = {}
    for event in events:
        body = BytesIO()
        body.write(b"\x00" + schema_id.to_bytes(4, "big"))
        record = event_record(event)
        for text in record["texts"]:
            text["text"] = text["text"].replace("\ud800", STAND_IN)
        schemaless_writer(body, parse_schema(plain(schema.definition)), record)
        surrogate = "\ud800".encode("utf-8", "surrogatepass")
        made[event.content_id] = body.getvalue().replace(STAND_IN.encode(), surrogate)
    return made
