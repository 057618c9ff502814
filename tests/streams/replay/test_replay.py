"""A replay from beginning to end, as people run it: begun, killed, gone on with, promoted."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
import wave
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest

from earmark.models.store import ModelStore
from earmark.processors.codec import Codec
from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.processors.error import ConfigurationError
from earmark.processors.schema import schema_of
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.local.environment import environment
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.replay.manifest import read_runs
from earmark.streams.replay.start import Asked, begin, planned
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import CONTENT_EVENTS, RECEIPTS, create_topics, delete_topics

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SPEECH, LANGUAGE = "audio.speech", "text.language"
OTHER_SPEECH = "silero-vad-16k"  # a model of SPEECH that is none of the default ones
JFK = Path(__file__).resolve().parents[3] / "streams" / "samples" / "jfk.wav"
COUNT = 1_500
LIMIT_S = 240


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    """A live group of its own; its receipts are its own too."""
    own = {"group_id": "replayed", "receipts_topic": "replayed.receipts.v1"}
    kafka = stack.settings.kafka.model_copy(update=own)
    settings = stack.settings.model_copy(update={"kafka": kafka})
    create_topics(settings)
    return with_worker(settings, signals=(SPEECH, LANGUAGE), decoders=1)


@pytest.fixture
def run() -> str:
    return f"r{uuid.uuid4().hex[:6]}"


def earmark(settings: Settings, *arguments: str) -> Any:
    """What the command prints as JSON; it must end well."""
    command = [sys.executable, "-m", "earmark", *arguments]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def beginning(seconds: float) -> bytes:
    """The first seconds of a speech, as WAV."""
    file = BytesIO()
    with wave.open(str(JFK)) as whole, wave.open(file, "wb") as cut:
        cut.setparams(whole.getparams())
        cut.writeframes(whole.readframes(int(seconds * whole.getframerate())))
    return file.getvalue()


def spoken(item: str, number: int = 1, *, seconds: float = 2.5, **changes: Any) -> ContentEvent:
    fields: dict[str, Any] = {
        "event_id": f"{item}-{number}",
        "content_id": item,
        "revision": number,
        "audio": Audio(data=beginning(seconds)),
    }
    return ContentEvent(**(fields | changes))


def written(item: str) -> ContentEvent:
    texts = (Text(field="title", text=f"The river runs quietly behind mill {item}"),)
    return ContentEvent(event_id=f"{item}-1", content_id=item, texts=texts)


def send(settings: Settings, *events: ContentEvent) -> None:
    with Producer(settings) as producer:
        for event in events:
            producer.send(event)


def read(
    settings: Settings, *topics: str, prefix: str, quiet_s: float = 1.5
) -> list[ReceivedSignal]:
    with subscribe(*topics, settings=settings, from_beginning=True, timeout_s=quiet_s) as records:
        return [record for record in records if record.key.startswith(prefix)]


def wait_for_receipts(settings: Settings, *events: ContentEvent) -> None:
    """Until each of the events, the last of its item, has its receipt."""
    waiting = {event.event_id for event in events}
    topic = settings.kafka.receipts_topic
    with CommittedReader(settings.kafka, topic) as reader:
        codec = Codec(schema_of(RECEIPTS))
        deadline = time.monotonic() + LIMIT_S
        while waiting and time.monotonic() < deadline:
            for message in (m for span in reader.spans() for m in reader.read(span)):
                waiting.discard(codec.decode(message.value() or b"")["last_event_id"])
    assert not waiting


def offsets_of(settings: Settings, prefix: str) -> tuple[str, str]:
    """From and to, as options, around the events whose keys begin so."""
    found = read(settings, CONTENT_EVENTS, prefix=prefix)
    spans: dict[int, tuple[int, int]] = {}
    for record in found:
        first, last = spans.get(record.partition, (record.offset, record.offset))
        spans[record.partition] = (min(first, record.offset), max(last, record.offset))
    numbers = range(settings.kafka.partitions)
    starts = ",".join(f"{n}:{spans[n][0] if n in spans else 1 << 40}" for n in numbers)
    ends = ",".join(f"{n}:{spans[n][1] + 1 if n in spans else 0}" for n in numbers)
    return starts, ends


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """As a machine does that goes down."""
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in family:
        os.kill(member.pid, signal.SIGKILL)
    process.wait()


def test_a_replay_that_is_killed_goes_on_and_answers_each_event_once(
    settings: Settings, run: str
) -> None:
    events = [written(f"{run}-{number}") for number in range(COUNT)]
    send(settings, *events)
    starts, ends = offsets_of(settings, run)
    options = ["--from", starts, "--to", ends, "--signals", "language", "--tokens-per-s", "2500"]
    command = [sys.executable, "-m", "earmark", "replay", "--run", run, *options]
    first = subprocess.Popen(command, env=environment(settings))
    topic = f"replay.{run}.signals.text.language.v1"
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and not _some(settings, topic):
        time.sleep(0.5)
    kill_all(first)
    before = len(read(settings, topic, prefix=run, quiet_s=20))  # an open transaction ends in 15 s
    done = earmark(settings, "replay", "--run", run, "--workers", "2", "--json")
    answers = read(settings, topic, prefix=run)
    assert 0 < before < COUNT
    assert (done["state"], done["partitions_through"]) == ("FINISHED", done["partitions"])
    assert Counter(r.key for r in answers) == {event.content_id: 1 for event in events}
    assert {r.record["replay_id"] for r in answers} == {run}
    assert not read(settings, LANGUAGE, prefix=run)  # live signals are as they were


def _some(settings: Settings, topic: str) -> bool:
    try:
        with CommittedReader(settings.kafka, topic) as reader:
            return any(span.end > span.start for span in reader.spans())
    except ConfigurationError:
        return False  # the topic is not there yet


def test_better_answers_become_the_live_ones_where_no_newer_stands(
    settings: Settings, run: str, tmp_path: Path
) -> None:
    same, other, gone = f"{run}-same", f"{run}-other", f"{run}-gone"
    first = [spoken(item) for item in (same, other, gone)]
    send(settings, *first)
    ids = tmp_path / "ids.txt"  # the audio is read back from the records that carried it
    ids.write_text("\n".join((same, other, gone)))
    options = ["--catalogue", "--content-id-file", str(ids), "--model", f"speech={OTHER_SPEECH}"]
    ModelStore(settings.home / "models").pull(OTHER_SPEECH)
    live = WorkerProcess(settings, log_dir=tmp_path)
    live.start()
    try:
        wait_for_receipts(settings, *first)
        earmark(settings, "replay", "--run", run, *options, "--json")
        compared = earmark(settings, "replay", "diff", run, "--signals", SPEECH, "--json")
        late = [
            spoken(other, 2, seconds=3),
            spoken(gone, 2, audio=None, change=Change.DELETED),
        ]
        send(settings, *late)
        wait_for_receipts(settings, *late)
        sent = earmark(settings, "replay", "promote", run, "--json")
        again = earmark(settings, "replay", "promote", run, "--json")
        repeated = spoken(same, 1, event_id=f"{same}-repeated")
        send(settings, repeated)
        wait_for_receipts(settings, repeated)
    finally:
        live.stop()
    (speech,) = compared["signals"]
    assert speech["pairs"] == 3
    assert (sent["sent"], sent["taken_up"], again["sent"]) == (3, True, 0)
    last = {record.key: record for record in read(settings, SPEECH, prefix=run)}
    assert last[same].record["provenance"]["model_name"] == OTHER_SPEECH
    assert last[same].record["replay_id"] == run
    assert (last[other].record["revision"], last[other].record["replay_id"]) == (2, None)
    assert last[gone].deleted
    states = {row["run"]: row["state"] for row in _rows(settings)}
    assert states[run] == "PROMOTED"


def _rows(settings: Settings) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "earmark", "replay", "status", "--json"]
    done = subprocess.run(command, env=environment(settings), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_aborted_run_leaves_nothing_but_its_name(settings: Settings, run: str) -> None:
    send(settings, written(run))
    starts, ends = offsets_of(settings, run)
    begin(settings, planned(settings, run, Asked(start=starts, end=ends)))
    command = [sys.executable, "-m", "earmark", "replay", "abort", run, "--yes"]
    subprocess.run(command, env=environment(settings), capture_output=True, check=True)
    assert not delete_topics(settings.kafka, f"replay.{run}.")
    assert {row["run"]: row["state"] for row in _rows(settings)}[run] == "ABORTED"
    assert "was aborted" in refused(settings, run)


def test_a_name_that_no_run_has_begins_nothing(settings: Settings, run: str) -> None:
    assert f"there is no replay {run}; to begin it say" in refused(settings, run)
    assert run not in read_runs(settings.kafka)


def test_missing_weights_are_told_before_anything_begins(
    settings: Settings, run: str, tmp_path: Path
) -> None:
    """A worker would find none either, and be started again for ever."""
    send(settings, spoken(f"{run}-item"))
    bare = settings.model_copy(update={"home": tmp_path})
    said = refused(bare, run, "--signals", SPEECH, status=1)
    assert "run `earmark models pull" in said
    assert run not in read_runs(settings.kafka)


def refused(settings: Settings, run: str, *options: str, status: int = 2) -> str:
    """The one line by which the command refuses to run the replay."""
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "replay", "--run", run, *options],
        env=environment(settings),
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
        text=True,
    )
    assert done.returncode == status
    last = done.stderr.splitlines()[-1]
    assert last.startswith("earmark: ")
    return last
