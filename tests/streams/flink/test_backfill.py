"""A backfill on a real Flink says what the pipeline says here, each event once, whatever dies."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Message, Producer

from earmark.models.error import ConfigurationError
from earmark.processors.codec import Codec, encode_signal
from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.processors.identity import same
from earmark.processors.loader import load_specs
from earmark.processors.outcome import Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.schema import CONTENT_EVENTS, REJECTIONS, schema_of
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.flink.backfill_job import start_over, written_topics
from earmark.streams.flink.reference import answered, pieces_of
from earmark.streams.kafka import producer_config
from earmark.streams.local.environment import environment
from earmark.streams.local.report import silent
from earmark.streams.local.stack import Stack
from earmark.streams.producer import Producer as EventProducer
from earmark.streams.receipt import Disposition, Receipt, ReceiptCodec
from earmark.streams.registry import Registry
from earmark.streams.replay.diff import diff
from earmark.streams.replay.manifest import read_run
from earmark.streams.replay.start import Asked, planned
from earmark.streams.replay.work import replay_worker
from earmark.streams.settings import Settings, with_worker
from earmark.streams.topic import RECEIPTS
from earmark.streams.topic_records import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.weights]

LANGUAGE, SPEECH = "text.language", "audio.speech"
TOPICS = {LANGUAGE: "signals.text.language.v1", SPEECH: "signals.audio.speech.v1"}
JFK = Path(__file__).resolve().parents[3] / "streams" / "samples" / "jfk.wav"
RUN, TABLE_RUN = "past", "table"
COUNT = 300
WAIT_S = 600


def written(number: int, revision: int = 1, **changes: Any) -> ContentEvent:
    text = f"The river runs quietly behind mill {number}, version {revision}"
    fields: dict[str, Any] = {
        "event_id": f"t{number}-{revision}",
        "content_id": f"t{number}",
        "revision": revision,
        "texts": (Text(field="title", text=text),),
    }
    return ContentEvent(**(fields | changes))


def spoken(item: str, audio: Audio) -> ContentEvent:
    return ContentEvent(event_id=f"{item}-1", content_id=item, audio=audio)


def of_jfk(**changes: Any) -> Audio:
    data = JFK.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    fields = {"uri": JFK.as_uri(), "size_bytes": len(data), "sha256": sha256}
    return Audio(**(fields | changes))


STANDING = [
    *(written(number) for number in range(10, COUNT)),
    written(0, revision=3),
    spoken("by-uri", of_jfk()),
    spoken("unstated", Audio(uri=JFK.as_uri())),
    spoken("not-there", Audio(uri="file:///not/there.wav")),
]
OVERTAKEN = [written(0), written(0, revision=2)]
DELETED = [written(1), written(1, revision=2, texts=(), change=Change.DELETED)]
ERASED = [written(2)]
UNREADABLE = b"no event at all" * 100_000  # more than Kafka's own producer sends by itself


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    media = stack.settings.media.model_copy(update={"roots": (JFK.parent,)})
    settings = stack.settings.model_copy(update={"state": stack.home / "state", "media": media})
    return with_worker(settings, signals=(LANGUAGE, SPEECH), decoders=1, batch_events=2)


@pytest.fixture(scope="module")
def run(settings: Settings) -> dict[str, Any]:
    """What the command said of a run whose processes were all killed once, amid its work."""
    with EventProducer(settings) as producer:
        for event in (*OVERTAKEN, *DELETED, *ERASED, *STANDING, written(0, revision=1)):
            producer.send(event)
    _erase(settings, "t2", revision=1)
    plain = Producer(producer_config(settings.kafka, {"message.max.bytes": 4_000_000}))
    plain.produce(CONTENT_EVENTS, UNREADABLE, b"unreadable")
    plain.flush()
    begin = ["flink", "backfill", "--run", RUN, "--from", "beginning", "--json"]
    command = [sys.executable, "-m", "earmark", *begin]
    first = subprocess.Popen(command, env=environment(settings), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + WAIT_S
    while not (some := _done(settings)) and time.monotonic() < deadline:
        time.sleep(0.2)
    family = [*psutil.Process(first.pid).children(recursive=True), psutil.Process(first.pid)]
    for member in family:
        os.kill(member.pid, signal.SIGKILL)
    first.wait()
    done = earmark(settings, "flink", "backfill", "--run", RUN, "--json")
    return {**done, "before": some}


def _erase(settings: Settings, item: str, *, revision: int) -> None:
    """Say of an item what the live workers say once they have deleted it."""
    with Registry(settings.registry) as registry:
        schema_id = registry.ids_for_worker([RECEIPTS])[RECEIPTS]
    receipt = Receipt(content_id=item, revision=revision, disposition=Disposition.DELETED)
    codec = ReceiptCodec(schema_id, group=settings.kafka.group_id)
    producer = Producer(producer_config(settings.kafka))
    producer.produce(settings.kafka.receipts_topic, codec.encode(receipt), item.encode())
    producer.flush()


def _done(settings: Settings) -> int:
    """How many pieces are answered."""
    try:
        return len(answered(settings, read_run(settings.kafka, RUN).route))
    except ConfigurationError:
        return 0  # the run is not there yet


def earmark(settings: Settings, *arguments: str) -> Any:
    command = [sys.executable, "-m", "earmark", *arguments]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, timeout=WAIT_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def records(settings: Settings, run: str, topic: str) -> list[Message]:
    return list(read_topic(settings.kafka, f"replay.{run}.{topic}", silent))


@pytest.fixture(scope="module")
def here(settings: Settings) -> dict[tuple[str, str], Signal]:
    """The outcomes of the same events in this process, by signal and item."""
    pipeline = Pipeline.load(settings.worker.signals)
    media = {event.content_id: JFK for event in STANDING if event.audio is not None}
    events = [event for event in STANDING if event.content_id != "not-there"]
    found = pipeline.run(events, media=media)
    return {(o.name, o.event.content_id): o for o in found if isinstance(o, Signal)}


@pytest.mark.parametrize("name", [LANGUAGE, SPEECH])
def test_the_answers_are_those_of_the_pipeline_in_this_process(
    settings: Settings,
    run: dict[str, Any],
    here: dict[tuple[str, str], Signal],
    name: str,
):
    codec, spec = Codec(schema_of(TOPICS[name])), load_specs([name])[name]
    wanted = {item: outcome for (signal, item), outcome in here.items() if signal == name}
    found = {
        message.key().decode(): codec.decode(message.value())
        for message in records(settings, RUN, TOPICS[name])
        if message.value() is not None and message.key() != b"not-there"
    }
    assert found.keys() == wanted.keys()
    for item, outcome in wanted.items():
        record = codec.decode(encode_signal(outcome, 0))
        assert same(record, found[item], spec) == []
        assert record["signal_id"] == found[item]["signal_id"]
        of_both = record["provenance"], found[item]["provenance"]
        assert of_both[0]["config_hash"] == of_both[1]["config_hash"]
        assert found[item]["replay_id"] == RUN


def test_after_a_crash_nothing_is_lost_and_nothing_is_doubled(
    settings: Settings, run: dict[str, Any]
):
    assert 0 < run["before"] < run["pieces"]
    keys = Counter(message.key().decode() for message in records(settings, RUN, TOPICS[LANGUAGE]))
    assert keys == {event.content_id: 1 for event in (*STANDING, *DELETED) if event.texts}
    tally = {"answered": len(STANDING) - 1, "rejected": 2, "deleted": 1, "erased": 1, "gone": 0}
    assert (run["state"], run["tally"]) == ("FINISHED", tally)


def test_what_cannot_be_used_is_rejected_as_a_replay_rejects_it(
    settings: Settings, run: dict[str, Any]
):
    codec = Codec(schema_of(REJECTIONS))
    found = {m.key(): codec.decode(m.value()) for m in records(settings, RUN, REJECTIONS)}
    assert found.keys() == {b"not-there", b"unreadable"}
    letters = {m.key(): m for m in records(settings, RUN, f"{CONTENT_EVENTS}.dlq")}
    assert letters[b"unreadable"].value() == UNREADABLE
    headers = dict(letters[b"unreadable"].headers())
    place = headers["__streams.errors.topic"], int(headers["__streams.errors.offset"])
    assert place[0] == CONTENT_EVENTS.encode()
    assert found[b"unreadable"]["offset"] == place[1]


def test_what_was_deleted_has_no_answer(settings: Settings, run: dict[str, Any]):
    found = {m.key(): m.value() for m in records(settings, RUN, TOPICS[LANGUAGE])}
    assert found[b"t1"] is None  # by an event of the range
    assert b"t2" not in found  # and one that was erased since


def test_answers_are_compared_as_those_of_a_replay(settings: Settings, run: dict[str, Any]):
    found = diff(settings, RUN, signals=[LANGUAGE])
    assert found.signals[0].standings["ONLY_RUN"] == COUNT - 10 + 1
    row = earmark(settings, "replay", "status", RUN, "--json")
    assert (row["state"], row["partitions_through"]) == ("FINISHED", row["partitions"])


def test_a_native_worker_does_not_take_it_up(settings: Settings, run: dict[str, Any]):
    with ExitStack() as undo, pytest.raises(ConfigurationError, match="flink backfill"):
        replay_worker(settings, RUN, slot="0", workers=1, undo=undo)


def test_rows_of_a_table_are_references_too(
    settings: Settings, run: dict[str, Any], tmp_path: Path
):
    rows = {
        "content_id": ["row-1", "row-2", "t2"],
        "audio_uri": [JFK.as_uri(), None, None],
        "text_title": [None, "Der Bach rauscht leise hinter der alten Mühle", "erased"],
    }
    pq.write_table(pa.table(rows), tmp_path / "rows.parquet")
    options = ["--parquet", str(tmp_path), "--signals", "language,speech"]
    done = earmark(settings, "flink", "backfill", "--run", TABLE_RUN, *options, "--json")
    assert (done["tally"]["answered"], done["tally"]["erased"]) == (2, 1)
    codec = Codec(schema_of(TOPICS[LANGUAGE]))
    (message,) = records(settings, TABLE_RUN, TOPICS[LANGUAGE])
    assert (message.key(), codec.decode(message.value())["language"]) == (b"row-2", "de")
    assert [m.key() for m in records(settings, TABLE_RUN, TOPICS[SPEECH])] == [b"row-1"]


def test_without_its_state_a_run_is_answered_from_the_beginning(
    settings: Settings, run: dict[str, Any]
):
    manifest = read_run(settings.kafka, RUN)
    start_over(settings, manifest)
    for topic in written_topics(manifest):
        with CommittedReader(settings.kafka, topic.name) as reader:
            assert all(span.end == 0 for span in reader.spans())


def test_a_piece_is_of_little_audio_unless_it_is_of_one_recording(
    settings: Settings, run: dict[str, Any]
):
    many = with_worker(settings, batch_events=1000)
    before = planned(many, "long", Asked()).bounds
    with EventProducer(settings) as producer:
        for number, seconds in enumerate((1_000, 700, 200, 9_000)):
            audio = of_jfk(size_bytes=16_000 * seconds)
            producer.send(spoken(f"long-{number}", audio), partition=0)
    manifest = planned(many, "long", Asked())
    added = {number: (before[number][1], end) for number, (_, end) in manifest.bounds.items()}
    pieces = list(pieces_of(many, replace(manifest, bounds=added)))
    assert [len(piece.offsets) for piece in pieces] == [2, 1, 1]


def test_a_run_goes_on_as_it_began(settings: Settings, run: dict[str, Any]):
    command = [sys.executable, "-m", "earmark", "flink", "backfill", "--run", RUN, "--from", "2h"]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, text=True, check=False
    )
    assert (done.returncode, "goes on as it began" in done.stderr) == (2, True)
