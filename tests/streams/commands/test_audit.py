"""`earmark audit` as operators run it, on the real broker."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import confluent_kafka
import pytest
from click.testing import CliRunner, Result

from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.streams.commands.audit import audit
from earmark.streams.dead_letter import CommittedReader, delete_before
from earmark.streams.kafka import producer_config
from earmark.streams.local.port import free_port
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import RetrySettings, Settings, with_worker
from earmark.streams.subscriber import subscribe
from earmark.streams.topic import CONTENT_EVENTS, RECEIPTS, retry_topic

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

LANGUAGE, INTEGRITY = "text.language", "audio.integrity"
ON_LANGUAGE = "signals.text.language.v1"
JUNK = Audio(data=b"no recording")


def run(*arguments: object) -> Result:
    words = [str(word) for word in arguments]
    return CliRunner().invoke(audit, words, catch_exceptions=False)


def event(
    item: str, revision: int = 1, text: str = "The river runs", **others: object
) -> ContentEvent:
    fields: dict[str, object] = {
        "event_id": f"{item}-{revision}",
        "content_id": item,
        "revision": revision,
        "texts": (Text(field="title", text=text),) if text else (),
    }
    return ContentEvent(**(fields | others))  # type: ignore[arg-type]  # fields vary by test


def send(settings: Settings, *events: ContentEvent) -> None:
    with Producer(settings) as producer:
        for each in events:
            producer.send(each)


def put(settings: Settings, topic: str, item: str, *values: bytes | None) -> None:
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    for value in values:
        producer.produce(topic, value, item.encode())
    assert producer.flush(30) == 0


def wait_for_receipts(settings: Settings, *events: ContentEvent) -> None:
    waiting = {each.event_id for each in events}
    with subscribe(RECEIPTS, settings=settings, from_beginning=True, timeout_s=60) as receipts:
        for each in receipts:
            waiting.discard(str(each.record["last_event_id"]))
            if not waiting:
                return
    raise AssertionError(waiting)


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    media = stack.settings.media.model_copy(
        update={"allow_private_addresses": True, "attempts": 1, "roots": ()}
    )
    own = stack.settings.model_copy(update={"media": media})
    late = RetrySettings(first_s=600)
    return with_worker(own, signals=(LANGUAGE, INTEGRITY), decoders=1, retry=late)


@pytest.fixture(scope="module", autouse=True)
def _nothing_waits_behind(settings: Settings) -> Iterator[None]:
    """What waits for its time is taken away: other tests' records would wait behind it."""
    yield
    topic = retry_topic(CONTENT_EVENTS)
    with CommittedReader(settings.kafka, topic) as reader:
        spans = reader.spans()
    delete_before(settings.kafka, topic, spans)


@pytest.fixture(scope="module")
def item() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="module")
def since(settings: Settings, item: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A time; of what has come since, some is answered, and what is not says so in its name."""
    begun = time.time_ns() // 1_000_000
    away = Audio(uri=f"http://127.0.0.1:{free_port()}/x.wav")
    events = [
        event(f"{item}-whole", content_type="COMMENT"),
        event(f"{item}-junk", audio=JUNK, content_type="COMMENT"),
        event(f"{item}-late", 2),
        event(f"{item}-late", 1),
        event(f"{item}-gone", 1),
        event(f"{item}-gone", 2, "", change=Change.DELETED),
        event(f"{item}-back", 1),
        event(f"{item}-back", 2, "", change=Change.DELETED),
        event(f"{item}-away", audio=away),
        event(f"{item}-lost"),
        event(f"{item}-stale"),
        event(f"{item}-stale", 2, "An old mill"),
    ]
    worker = WorkerProcess(settings, log_dir=tmp_path_factory.mktemp("worker"))
    worker.start()
    try:
        put(settings, CONTENT_EVENTS, f"{item}-odd", b"no event")
        send(settings, *events)
        wait_for_receipts(settings, *events)
        with subscribe("rejections", settings=settings, from_beginning=True, timeout_s=30) as found:
            assert any(it.key == f"{item}-odd" for it in found)
    finally:
        worker.stop()
    send(settings, event(f"{item}-unanswered"))
    put(settings, ON_LANGUAGE, f"{item}-lost", None)
    first = {it.key: it.value for it in reversed(list(answers(settings)))}
    put(settings, ON_LANGUAGE, f"{item}-stale", first[f"{item}-stale"])
    put(settings, ON_LANGUAGE, f"{item}-back", first[f"{item}-back"])
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun // 1000))


def answers(settings: Settings) -> Iterator[object]:
    with subscribe(LANGUAGE, settings=settings, from_beginning=True, timeout_s=2) as found:
        yield from (it for it in found if it.value is not None)


def test_what_lacks_signals_is_listed_and_nothing_else(
    settings: Settings, since: str, item: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reach(settings, monkeypatch)
    result = run("--after", 0, "--since", since, "--json")
    *rows, last = map(json.loads, result.stdout.splitlines())
    found = {row["content_id"]: (row["state"], row["missing"]) for row in rows}
    own = {name.removeprefix(f"{item}-"): it for name, it in found.items() if name.startswith(item)}
    assert own == {
        "away": ("RETRYING", [INTEGRITY]),
        "lost": ("MISSING", [LANGUAGE]),
        "stale": ("MISSING", [LANGUAGE]),
        "back": ("NOT_ERASED", [LANGUAGE]),
        "unanswered": ("UNANSWERED", [LANGUAGE]),
    }
    assert result.exit_code == 1
    assert last["summary"]["states"]["REJECTED"] >= 1  # what is no event, with its rejection
    assert last["summary"]["states"]["ERASED"] >= 1
    due = next(row["due"] for row in rows if row["content_id"] == f"{item}-away")
    assert due > time.time() * 1000 + 300_000


def test_a_type_whose_events_are_whole_is_complete(
    settings: Settings, since: str, item: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(settings, monkeypatch)
    result = run("--after", 0, "--since", since, "--content-type", "COMMENT")
    assert result.exit_code == 0, result.output
    assert "2 of 2 events complete (100.0000%)" in result.stdout


def test_young_events_are_given_their_time(
    settings: Settings, since: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(settings, monkeypatch)
    result = run("--since", since, "--json")
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["summary"]["events"] == 0
    assert result.exit_code == 0


def test_what_an_audit_finds_is_written_for_prometheus(
    settings: Settings, since: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reach(settings, monkeypatch)
    file = tmp_path / "earmark.prom"
    result = run("--after", 0, "--since", since, "--textfile", file, "--json")
    summary = json.loads(result.stdout.splitlines()[-1])["summary"]
    lines = file.read_text().splitlines()
    assert f"earmark_audit_completeness_ratio {summary['completeness']}" in lines
    for state, count in summary["states"].items():
        assert f'earmark_audit_events{{state="{state}"}} {float(count)}' in lines
    assert list(tmp_path.iterdir()) == [file]


def test_an_audit_that_watches_serves_what_it_finds_until_it_is_asked_to_stop(
    settings: Settings, since: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(settings, monkeypatch)
    port = free_port()
    options = ["--watch", "0.1", "--after", "0", "--since", since, "--http-port", str(port)]
    command = [sys.executable, "-m", "earmark", "audit", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = [process.stdout.readline() for _ in range(2)]
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:  # our own
            text = answer.read().decode()
        process.terminate()
        assert process.wait(60) == 0
    assert all("events complete" in line for line in found)
    assert 'earmark_audit_events{state="NOT_ERASED"} ' in text
    assert "earmark_audit_timestamp_seconds " in text


def reach(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("EARMARK_REGISTRY__URL", settings.registry.url)
    monkeypatch.setenv("EARMARK_WORKER__SIGNALS", json.dumps([LANGUAGE, INTEGRITY]))
