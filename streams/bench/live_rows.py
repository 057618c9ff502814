"""`live_texts` and `live_clips`: how long live events wait while a replay runs beside them.

A live worker gets events at random moments, at 30 % of the rate at which it answers a burst. Beside
it `earmark replay` answers a backlog of its own at full speed, started as it is for people, and is
stopped and let go on every few seconds: what else the machine does meets both. An event waits from
its arrival at the broker to the last of its signals there; the figure is the wait that 95 of 100 do
not exceed. `live_texts` has texts and the quick signals, `live_clips` a short recording, a title
and all signals.

What bounds it: the replay gets what the live worker leaves of the cores, and must give it back at
once. What it cannot give back: the broker works for both, their models share the caches, and a core
changes hands a few milliseconds late.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from earmark.processors.content import ContentEvent
from earmark.processors.expected import expected_signals
from earmark.processors.loader import load_specs
from earmark.streams.bench.beside import (
    SLICE_S,
    Replay,
    Slice,
    Slices,
    backlog_topic,
    replaying,
)
from earmark.streams.bench.corpus import clip_events, text_events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import Served, group_of, served
from earmark.streams.bench.traffic import Traffic, poisson_gaps_s, waits_ms
from earmark.streams.settings import Settings
from earmark.streams.subscriber import Subscription, subscribe

LIVE_SHARE = 0.3  # of what the worker can do
SHARE = 95  # of 100 events, whose longest wait is the figure
TURNS = 3
AHEAD_S = 20.0  # of work that the replay may do before the first slice and after the last
SETTLE_S = 1.0  # from a change of the slice until waits count again

Waits = NDArray[np.int64]  # milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What live events and backlog are; a `burst` of so many shows what a worker can do."""

    name: str
    signals: Sequence[str]
    make: Callable[..., Iterator[ContentEvent]]
    burst: int
    pairs: int  # of slices in a turn: alone, and beside the replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The waits of live events, by whether a replay was at work when they came."""

    alone: Waits
    beside: Waits


TEXTS = Content(
    name="texts",
    signals=("text.language", "text.embedding"),
    make=text_events,
    burst=4_096,
    pairs=4,
)
CLIPS = Content(name="clips", signals=(), make=clip_events, burst=256, pairs=8)


def live_texts(plan: Plan) -> Row:
    """The wait of events of three texts, in milliseconds."""
    return _row(plan, TEXTS)


def live_clips(plan: Plan) -> Row:
    """The wait of events with a clip of two and a half seconds and a title, in milliseconds."""
    return _row(plan, CLIPS)


def _row(plan: Plan, content: Content) -> Row:
    settings = group_of(plan, f"live-{content.name}", signals=content.signals, protocol="classic")
    with served(plan, settings) as worker:
        live = _Live(plan, settings, worker, content)
        turns = list(live.turns(plan.repeated(TURNS)))
    beside = [turn.beside for turn in turns]
    alone = [turn.alone for turn in turns]
    figures = ([_longest_ms(waits) for waits in each] for each in (beside, alone))
    at_work = [each for each in live.slices if each.at_work]
    return row_of_turns(
        f"live_{content.name}",
        *figures,
        unit="ms, p95 of the wait",
        against="the same traffic without a replay",
        goal=Goal(on="ratio", op="<=", x=1.2),
        details={
            "value_p50": float(np.median(np.concatenate(beside))),
            "baseline_p50": float(np.median(np.concatenate(alone))),
            "live_events_per_s": live.rate_hz,
            "replayed_events_per_s": sum(each.done for each in at_work) / len(at_work) / SLICE_S,
            "others_cpu_share": statistics.fmean(each.others for each in live.slices),
        },
    )


def _longest_ms(waits: Waits) -> float:
    return float(np.percentile(waits, SHARE))


class _Live:
    """A live worker that is ready, and traffic for it beside a replay.

    `rate_hz` is that of live events; `slices` are those that were taken.
    """

    def __init__(self, plan: Plan, settings: Settings, worker: Served, content: Content) -> None:
        self._plan = plan
        self._settings = settings
        self._content = content
        self._number = 2 * plan.scaled(content.pairs)
        self._runs = count()
        self._capacity_hz = self._measured(worker)
        self.rate_hz = LIVE_SHARE * self._capacity_hz
        self.slices: list[Slice] = []

    def turns(self, number: int) -> Iterator[Turn]:
        """The waits of so many turns."""
        names = self._content.signals or tuple(load_specs())
        backlog = int(self._capacity_hz * (number * self._number * SLICE_S + AHEAD_S))
        topic = backlog_topic(self._settings, self._content.name, self._events(backlog))
        with (
            replaying(
                self._settings,
                topic,
                run=f"bench-{self._content.name}",
                log=self._plan.folder / "replay.log",
            ) as replay,
            subscribe(*names, settings=self._settings, timeout_s=1.0) as signals,
        ):
            for _ in range(number):
                yield self._turn(signals, replay)

    def _measured(self, worker: Served) -> float:
        """Events per second of a burst, the second one."""
        number = self._plan.scaled(self._content.burst)
        seconds = 0.0
        for _ in range(2):
            worker.queue(self._events(number))
            started = time.monotonic()
            worker.finish()
            seconds = time.monotonic() - started
        return number / seconds

    def _events(self, number: int) -> Iterator[ContentEvent]:
        return self._content.make(number, run=f"{self._content.name}-{next(self._runs)}")

    def _turn(self, signals: Subscription, replay: Replay) -> Turn:
        gaps_s = poisson_gaps_s(self.rate_hz, self._number * SLICE_S)
        events = list(self._events(len(gaps_s)))
        each = expected_signals(events[0], load_specs(self._content.signals or None))
        traffic = Traffic(self._settings)
        with Slices(replay, self._number) as slices:
            traffic.send(events, gaps_s=gaps_s)
        self.slices += slices.taken
        waits = waits_ms(signals, traffic.taken_ms, each=len(each))
        taken = np.array(list(traffic.taken_ms.values()))
        alone, beside = (
            waits[_within(taken, [each for each in slices.taken if each.at_work == at_work])]
            for at_work in (False, True)
        )
        return Turn(alone=alone, beside=beside)


def _within(taken_ms: Waits, slices: Sequence[Slice]) -> NDArray[np.bool_]:
    """Which events arrived in one of the slices, after it had settled."""
    inside = np.zeros(len(taken_ms), np.bool_)
    for each in slices:
        inside |= (taken_ms >= each.start_ms + SETTLE_S * 1000) & (taken_ms < each.end_ms)
    return inside
