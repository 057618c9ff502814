"""`memory` and `memory_12h`: what the worker needs beyond its models while hours of audio pass.

Recordings of three and of twelve hours. The figure is resident memory of worker and decode
processes together, the most at any moment, less what it was when everything was loaded: after a
first recording that is just long enough to be set apart, so that the process which decodes such
recordings has started (what that took is told as `first_mb`). Its baseline is the size of the
recording as samples at 16 kHz, which it would take to hold it. Blocks in flight are bounded, so
length should not matter: `memory_12h` says in `more_than_3h_mb` how much more it was.

The signals are those of which every recording has all: integrity and loudness, measured while it is
decoded, and speech, found by a model whose state is carried along. The others would take many
minutes for twelve hours on two cores.

What bounds it: the blocks that wait for the device (16 MB), the pipe and the buffers of the
decoder, and what the allocator keeps of them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.streams.bench.corpus import audio_events, long_recording
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Goal, Row
from earmark.streams.bench.series import Series
from earmark.streams.bench.served import Served, group_of, served
from earmark.streams.settings import with_worker

SIGNALS = ("audio.integrity", "audio.loudness", "audio.speech")
FIRST_MINUTES = 32  # just long enough to be set apart
SET_APART_MINUTES = 30.0
SAMPLED_S = 0.5
SAMPLES_SHOWN = 200
GOAL_MB = 200
_SAMPLE_BYTES = 4
_MB = 1e6

Course = Sequence[tuple[float, float]]  # seconds and megabytes above what was loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A recording that has passed."""

    minutes: int
    course: Course
    first_mb: float  # that the first recording left behind

    @property
    def most_mb(self) -> float:
        """The most at any moment."""
        return max(megabytes for _, megabytes in self.course)


def memory(plan: Plan) -> Row:
    """Megabytes above what is loaded, for three hours."""
    return _row("memory", plan, 3, hours=(3,))


def memory_12h(plan: Plan) -> Row:
    """Megabytes above what is loaded, for twelve hours."""
    return _row("memory_12h", plan, 12, hours=(3, 12))


def _row(name: str, plan: Plan, long: int, *, hours: Sequence[int]) -> Row:
    passages = {each: _passage(plan, each) for each in hours}
    passage = passages[long]
    return Row(
        name=name,
        value=passage.most_mb,
        unit=f"MB above what is loaded, {passage.minutes} minutes",
        baseline=passage.minutes * 60 * SAMPLE_RATE_HZ * _SAMPLE_BYTES / _MB,
        against="the recording held as samples",
        goal=Goal(on="value", op="<=", x=GOAL_MB),
        details={
            "more_than_3h_mb": passage.most_mb - passages[3].most_mb,
            "at_the_end_mb": passage.course[-1][1],
            "first_mb": passage.first_mb,
            "x_real_time": passage.minutes * 60 / passage.course[-1][0],
        },
        series=[
            Series(
                kind="line",
                title="memory above what is loaded",
                x="share of the recording's time",
                y="MB",
                lines={f"{h} h": _thinned(each.course) for h, each in passages.items()},
            )
        ],
    )


def _thinned(course: Course) -> list[tuple[float, float]]:
    step, whole_s = 1 + len(course) // SAMPLES_SHOWN, course[-1][0]
    return [(seconds / whole_s, megabytes) for seconds, megabytes in course[::step]]


@cache
def _passage(plan: Plan, hours: int) -> Passage:
    """Measured once for all rows of a plan, in a worker of its own."""
    settings = group_of(plan, f"memory-{hours}h", signals=SIGNALS, protocol="classic")
    share = plan.scaled(80) / 80  # of a quick run
    settings = with_worker(settings, long_minutes=SET_APART_MINUTES * share)
    minutes = plan.scaled(60 * hours)
    with served(plan, settings) as worker:
        first = _answer(plan, worker, minutes=plan.scaled(FIRST_MINUTES), run=f"first-{hours}")
        course = _answer(plan, worker, minutes=minutes, run=f"memory-{hours}")
    return Passage(minutes=minutes, course=course, first_mb=first[-1][1])


def _answer(plan: Plan, worker: Served, *, minutes: int, run: str) -> Course:
    path = plan.folder / f"{run}.mp3"
    long_recording(path, minutes=minutes)
    loaded, began = worker.resident_bytes, time.monotonic()
    course: list[tuple[float, float]] = [(0.0, 0.0)]

    def watch() -> None:
        now_s = time.monotonic() - began
        if now_s >= course[-1][0] + SAMPLED_S:
            course.append((now_s, (worker.resident_bytes - loaded) / _MB))

    worker.answer(audio_events([path], run=run), watch=watch, anew=True, set_apart=1)
    path.unlink()
    return [*course, (time.monotonic() - began, (worker.resident_bytes - loaded) / _MB)]
