"""Events over which a real worker dies or hangs: they alone become dead letters, and it lives."""

import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earmark.processors.content import ContentEvent, Text
from earmark.streams.local.environment import environment
from earmark.streams.local.port import free_port
from earmark.streams.local.process import Child
from earmark.streams.local.registry import answers
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import READY_S
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

LIMIT_S = 150.0
CRASHES = 2
STALL_S = 8.0
KILL = "This one kills the process that reads it"
HANG = "This one holds the process that reads it"

# A plug-in that does harm: with it installed, the language of some texts is looked for in vain.
PLUG_IN = f"""
import os, signal, time
from earmark.processors.signal import Part, SignalSpec, Takes
from earmark.processors.signals.text_language import LanguageScorer

def score(self, items, whole=LanguageScorer.score):
    texts = [text.text for item in items for text in item.event.texts]
    if {KILL!r} in texts:
        os.kill(os.getpid(), signal.SIGKILL)
    if {HANG!r} in texts:
        time.sleep(600)
    return whole(self, items)

LanguageScorer.score = score
spec = SignalSpec(name="odd", takes=Takes.PASSAGES, reads=frozenset({{Part.TEXTS}}), make=dict)
"""


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH in which a distribution with the plug-in is installed."""
    info = tmp_path / "packages" / "odd-1.dist-info"
    info.mkdir(parents=True)
    (info.parent / "odd.py").write_text(PLUG_IN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[earmark.signals]\nodd = odd:spec\n")
    return info.parent


@contextmanager
def supervised(settings: Settings, plug_in: Path, log: Path) -> Iterator[Child]:
    """`earmark worker --supervise` with the plug-in, ready or not."""
    path = os.pathsep.join([str(plug_in), *sys.path])
    supervisor = Child(
        "supervisor",
        [sys.executable, "-m", "earmark", "worker", "--supervise"],
        log=log,
        environment=environment(settings) | {"PYTHONPATH": path},
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop(grace_s=90)


def event(item: str, text: str) -> ContentEvent:
    return ContentEvent(event_id=item, content_id=item, texts=(Text(field="title", text=text),))


def committed(
    settings: Settings, run: str, enough: Callable[[list[ReceivedSignal]], bool]
) -> list[ReceivedSignal]:
    """Signals and rejections of this run, once there are enough and a moment has passed."""
    found: list[ReceivedSignal] = []
    deadline = time.monotonic() + LIMIT_S
    names = ("text.language", "rejections", "dead-letters")
    with subscribe(*names, settings=settings, from_beginning=True, timeout_s=1.0) as records:
        while time.monotonic() < deadline and not enough(found):
            found += [record for record in records if record.key.startswith(run)]
        found += [record for record in records if record.key.startswith(run)]
    return found


def test_an_event_that_kills_and_one_that_hangs_end_alone_and_the_worker_lives(
    stack: Stack, plug_in: Path, tmp_path: Path
) -> None:
    run, port, log = uuid.uuid4().hex[:8], free_port(), tmp_path / "supervisor.log"
    settings = with_worker(
        stack.settings,
        signals=("text.language",),
        decoders=1,
        stall_s=STALL_S,
        crashes=CRASHES,
        http_port=port,
        slot="culprit",
    )
    texts = {f"{run}-{number}": f"The river runs behind mill {number}" for number in range(20)}
    culprits = {f"{run}-kill": KILL, f"{run}-hang": HANG}
    everything = [*texts.items(), *culprits.items()]
    with Producer(settings) as producer:
        for item, text in sorted(everything, key=lambda each: hash(each[1])):
            producer.send(event(item, text))
    with supervised(settings, plug_in, log) as supervisor:
        found = committed(settings, run, lambda records: len(records) >= len(texts) + 4)
        supervisor.wait_until(lambda: answers(port, "/readyz"), READY_S)
        with Producer(settings) as producer:
            producer.send(event(f"{run}-after", "The river still runs behind the mill"))
        found = committed(settings, run, lambda records: len(records) >= len(texts) + 5)
    answered = Counter(record.key for record in found if record.name == "text.language")
    assert answered == Counter([*texts, f"{run}-after"])
    rejected = {r.key: r.record["rejection_class"] for r in found if r.name == "rejections"}
    assert rejected == dict.fromkeys(culprits, "WORKER_CRASHED")
    letters = Counter(record.key for record in found if record.name == "dead-letters")
    assert letters == Counter(culprits.keys())
    said = log.read_text()
    assert 1 <= said.count("killed by SIGKILL") <= CRASHES
    assert 1 <= said.count("exit status 75") <= CRASHES
    stalls = [json.loads(line) for line in said.splitlines() if '"stalled"' in line]
    assert {stall["stage"] for stall in stalls} == {"device"}
