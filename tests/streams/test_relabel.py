"""Relabelled records go to the run's topics exactly once, and are promoted like a replay's."""

import json
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.codec import encode_signal
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.threshold import Thresholds, read_thresholds
from earmark.streams.kafka import producer_config
from earmark.streams.local.environment import environment
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.registry import Registry
from earmark.streams.relabel import planned, relabel
from earmark.streams.replay.manifest import State, moved_to
from earmark.streams.replay.start import begin
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import create_topics

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SAFETY = "text.safety"
TOPIC = "signals.text.safety.v1"
ABUSE = "You are a fucking idiot and nobody likes you, you stupid bastard."
CALM = "A quiet morning by the sea, and the gulls are loud."
LIMIT_S = 120


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    """A live group of its own; its receipts are its own too."""
    own = {"group_id": "relabelled", "receipts_topic": "relabelled.receipts.v1"}
    kafka = stack.settings.kafka.model_copy(update=own)
    settings = stack.settings.model_copy(update={"kafka": kafka})
    create_topics(settings)
    return with_worker(settings, signals=(SAFETY,), decoders=1)


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """Thresholds that nothing reaches."""
    file = tmp_path / "strict.toml"
    names = ("profanity", "harassment", "hate", "sexual")
    values = "".join(f"{name}_probability = 1.0\n" for name in names)
    file.write_text(f'version = "strict-1"\n[values]\n{values}')
    return file


def earmark(settings: Settings, *arguments: str) -> Any:
    command = [sys.executable, "-m", "earmark", *arguments, "--json"]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def received(
    settings: Settings, topic: str, prefix: str, count: int, quiet_s: float = 30
) -> list[ReceivedSignal]:
    """The records of these items, once there are `count`, or what has come in time."""
    found: list[ReceivedSignal] = []
    with subscribe(topic, settings=settings, from_beginning=True, timeout_s=quiet_s) as records:
        for record in records:
            if record.key.startswith(prefix):
                found.append(record)
                if len(found) == count:
                    break
    return found


def send(settings: Settings, prefix: str) -> None:
    with Producer(settings) as producer:
        for name, text in (("abuse", ABUSE), ("calm", CALM)):
            event = ContentEvent(
                event_id=f"{prefix}{name}-1",
                content_id=f"{prefix}{name}",
                texts=(Text(field="comment", text=text),),
            )
            producer.send(event)


def test_stored_scores_are_relabelled_compared_and_promoted(
    settings: Settings, strict: Path, tmp_path: Path
) -> None:
    prefix = f"relabel-{uuid.uuid4().hex[:6]}-"
    run = prefix.strip("-")
    send(settings, prefix)
    worker = WorkerProcess(settings, log_dir=tmp_path)
    worker.start()
    try:
        live = received(settings, TOPIC, prefix, 2)
        labels = {r.key: r.record["labels"] for r in live}
        assert "profanity" in labels[f"{prefix}abuse"]
        assert labels[f"{prefix}calm"] == []
        asked = ("relabel", SAFETY, "--thresholds", str(strict), "--run", run)
        would = earmark(settings, *asked, "--dry-run")
        assert f"{prefix}abuse" in would["examples"] or would["changed"] > len(would["examples"])
        said = earmark(settings, *asked)
        assert said["changed"] >= 1
        assert earmark(settings, *asked)["changed"] == 0  # it was finished
        ours = received(settings, f"replay.{run}.{TOPIC}", prefix, 2)
        assert {r.record["provenance"]["thresholds_version"] for r in ours} == {"strict-1"}
        assert earmark(settings, "replay", "promote", run, "--yes")["taken_up"]
        now = received(settings, TOPIC, f"{prefix}abuse", 2)
        assert [r.record["labels"] for r in now] == [labels[f"{prefix}abuse"], []]
        assert now[1].record["scores"] == now[0].record["scores"]
        assert now[1].record["signal_id"] != now[0].record["signal_id"]
    finally:
        worker.stop()


def store(settings: Settings, prefix: str, count: int) -> None:
    """Answers on the live topic, written by nobody's worker."""
    pipeline = Pipeline.load([SAFETY], store=ModelStore(settings.home / "models"))
    with Registry(settings.registry) as registry:
        schema_id = registry.ids_for_worker([TOPIC])[TOPIC]
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    events = [
        ContentEvent(
            event_id=f"{prefix}{number}-1",
            content_id=f"{prefix}{number}",
            texts=(Text(field="comment", text=ABUSE),),
        )
        for number in range(count)
    ]
    for signal in pipeline.run(events):
        assert isinstance(signal, Signal)
        payload = encode_signal(signal, schema_id)
        producer.produce(TOPIC, payload, signal.event.content_id.encode())
    assert producer.flush(30) == 0


def test_a_run_that_is_killed_between_transactions_writes_each_record_once(
    settings: Settings, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix, count = f"twice-{uuid.uuid4().hex[:6]}-", 24
    new = read_thresholds(strict, SAFETY)
    monkeypatch.setattr("earmark.streams.relabel.BATCH", 2)
    store(settings, prefix, count)
    whole = planned(settings, prefix.strip("-"), SAFETY, new)
    bounds = {n: (max(start, end - count), end) for n, (start, end) in whole.bounds.items()}
    with pytest.raises(KeyboardInterrupt):
        relabel(settings, replace(whole, bounds=bounds), interrupting(after=3), dry=False)
    again = planned(settings, prefix.strip("-"), SAFETY, new)
    assert again.bounds == bounds
    relabel(settings, again, lambda done, of: None, dry=False)
    written = received(settings, f"replay.{again.run}.{TOPIC}", prefix, count)
    late = received(settings, f"replay.{again.run}.{TOPIC}", prefix, count + 1, quiet_s=3)
    assert len(written) == len(late) == count
    assert len({record.key for record in written}) == count


def test_another_run_of_the_same_name_is_refused(settings: Settings, strict: Path) -> None:
    run = f"same-{uuid.uuid4().hex[:6]}"
    new = read_thresholds(strict, SAFETY)
    whole = planned(settings, run, SAFETY, new)
    begin(settings, replace(whole, bounds={n: (end, end) for n, (_, end) in whole.bounds.items()}))
    other = Thresholds(version="strict-2", values={**new.values, "profanity_probability": 0.9})
    with pytest.raises(ConfigurationError, match="another run"):
        planned(settings, run, SAFETY, other)
    moved_to(settings.kafka, planned(settings, run, SAFETY, new), State.ABORTED)
    with pytest.raises(ConfigurationError, match="aborted"):
        planned(settings, run, SAFETY, new)


def interrupting(*, after: int) -> Any:
    calls: list[int] = []

    def on_read(done: int, of: int) -> None:
        calls.append(done)
        if len(calls) == after:
            raise KeyboardInterrupt

    return on_read
