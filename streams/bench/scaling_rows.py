"""`scaling_texts` and `scaling_voice`: two workers on one core each, beside one on one core.

The workers are of one group and share the partitions. Each is confined to a core of its own, with
its decode processes. A burst lies in Kafka before the clock runs, which stops with the last commit.
First one worker answers its bursts, then a second one joins it and the two answer as many.

What bounds it on a machine of two cores: the broker, this process and the kernel have no third
core, and take from the two workers what beside one of them is free. `broker_cores_beside_two` says
how much of a core the broker used; `ratio_if_broker_were_elsewhere` is an estimate: the ratio, had
the workers had that, too.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.content import ContentEvent
from earmark.streams.bench.mix import Mix, events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import Served, group_of, served, stack_of
from earmark.streams.settings import Settings, with_worker

TEXTS = 2_048
VOICE_S = 240.0
TURNS = 3
TEXT_SIGNALS = ("text.embedding", "text.language", "text.quality", "text.sentiment")
VOICE_SIGNALS = ("audio.integrity", "audio.loudness", "audio.speech", "audio.transcript")
GOAL = 1.8
POLL_S = 0.05
STALLED_S = 600.0
# run as: python -c ... CORE ARGUMENT...; children inherit the core
_CONFINED = (
    "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)

Make = Callable[[str], Sequence[ContentEvent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Events per second of each turn, and how many cores the broker used meanwhile."""

    events_per_s: list[float]
    broker_cores: list[float]


def scaling_texts(plan: Plan) -> Row:
    """Events of the text mix answered per second."""
    number = plan.scaled(TEXTS)
    make = partial(_events, plan, Mix.TEXT, {"count": number})
    return _row(plan, "scaling_texts", TEXT_SIGNALS, make)


def scaling_voice(plan: Plan) -> Row:
    """Voice messages answered per second."""
    seconds = VOICE_S / 4 if plan.quick else VOICE_S
    make = partial(_events, plan, Mix.VOICE, {"seconds": seconds})
    return _row(plan, "scaling_voice", VOICE_SIGNALS, make)


def _events(plan: Plan, mix: Mix, bound: Mapping[str, Any], run: str) -> Sequence[ContentEvent]:
    return events(mix, plan.recordings, run=run, **bound)


def _row(plan: Plan, name: str, signals: Sequence[str], make: Make) -> Row:
    settings = group_of(plan, name.replace("_", "-"), signals=signals, protocol="classic")
    turns, (first, second) = plan.repeated(TURNS), _two_cores()
    with _on(plan, settings, core=first) as worker:
        one = _rates(plan, [worker], make, turns=turns, run=f"{name}-one")
        with _on(plan, with_worker(settings, slot="1"), core=second) as other:
            team = [worker, other]
            _until_both_have_some(team, make(f"{name}-joining"))
            two = _rates(plan, team, make, turns=turns, run=f"{name}-two")
    ratio = statistics.median(two.events_per_s) / statistics.median(one.events_per_s)
    taken = statistics.median(two.broker_cores)
    return row_of_turns(
        name,
        two.events_per_s,
        one.events_per_s,
        unit="events/s by two workers, one core each",
        against="one worker on one core",
        goal=Goal(on="ratio", op=">=", x=GOAL),
        details={
            "broker_cores_beside_one": statistics.median(one.broker_cores),
            "broker_cores_beside_two": taken,
            "ratio_if_broker_were_elsewhere": ratio * 2 / (2 - min(taken, 1.0)),
        },
    )


def _two_cores() -> tuple[int, int]:
    if not hasattr(os, "sched_getaffinity") or len(cores := sorted(os.sched_getaffinity(0))) < 2:  # noqa: PLR2004
        raise ConfigurationError("two workers on a core each need two cores, and Linux")
    return cores[0], cores[1]


def _on(plan: Plan, settings: Settings, *, core: int) -> AbstractContextManager[Served]:
    """A worker that has this core alone."""
    command = (sys.executable, "-c", _CONFINED, str(core), "-m", "earmark", "worker")
    return served(plan, settings, command=command)


def _rates(plan: Plan, team: Sequence[Served], make: Make, *, turns: int, run: str) -> Rates:
    broker = stack_of(plan).state.process("broker")
    process = psutil.Process(broker.pid if broker else None)
    found = Rates(events_per_s=[], broker_cores=[])
    for turn in range(turns + 1):
        burst = make(f"{run}-{turn}")
        used_s, began = _used_s(process), time.monotonic()
        _answer(team, burst)
        seconds = time.monotonic() - began
        if turn:
            found.events_per_s.append(len(burst) / seconds)
            found.broker_cores.append((_used_s(process) - used_s) / seconds)
    return found


def _answer(team: Sequence[Served], burst: Sequence[ContentEvent]) -> list[int]:
    """Send the events and wait until all are committed, by whichever; how many by each."""
    before = [worker.committed for worker in team]
    deadline = time.monotonic() + STALLED_S
    team[0].send(burst)
    while sum(done := [w.committed - b for w, b in zip(team, before, strict=True)]) < len(burst):
        if time.monotonic() > deadline:
            raise ServiceError(f"{sum(done)} of {len(burst)} events in {STALLED_S:g} s")
        time.sleep(POLL_S)
    return done


def _until_both_have_some(team: Sequence[Served], burst: Sequence[ContentEvent]) -> None:
    """Let them answer events until each has answered some: then they share the partitions."""
    deadline = time.monotonic() + STALLED_S
    while not all(_answer(team, burst)):
        if time.monotonic() > deadline:
            raise ServiceError("the second worker of the benchmark was given no partitions")


def _used_s(process: psutil.Process) -> float:
    """Seconds of the processor that it has had."""
    times = process.cpu_times()
    return float(times.user + times.system)
