"""`one_at_a_time[...]`: many events at once against one after the other, as a loop would have it.

Ours is `Pipeline.run` of all events of a mix, which decodes some side by side and has each model
read what all of them bring; the baseline is `Pipeline.run([event])` for each, one model after the
other. Both have all signals, the same models, precision and cores, and decode in this process;
neither has Kafka.

What bounds them: for voice clips the networks. Those of music and of speech quality are three
quarters of the time, and on a CPU no faster for a larger batch: one window fills the cores. The
transcript is two to three times faster, since clips share the steps of its decoder, and models side
by side use what one alone leaves of two cores: together 1.6 was seen. On texts the fixed cost of a
call of each model, about 2 ms together, is shared by all events of a batch; what is left, about
2 ms, is the reading of the words in Python, which nothing shares.
"""

import statistics
import time
from collections.abc import Callable, Sequence

from earmark.models.device import available_cores
from earmark.processors.content import ContentEvent
from earmark.processors.pipeline import Pipeline
from earmark.streams.bench.limit import in_turn
from earmark.streams.bench.mix import Mix, events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.series import Series
from earmark.streams.bench.worker_rows import media_of

CLIPS = 24
TEXTS = 1_024
ALONE_SHARE = 4  # the baseline gets a part of the events
SIZES = (4, 16, 64, 256)

Run = Callable[[Sequence[ContentEvent]], object]


def one_voice_clip_at_a_time(plan: Plan) -> Row:
    """Voice clips per second."""
    return _row(plan, Mix.VOICE, plan.scaled(CLIPS))


def one_text_at_a_time(plan: Plan) -> Row:
    """Events with texts alone per second."""
    return _row(plan, Mix.TEXT, plan.scaled(TEXTS))


def _row(plan: Plan, mix: Mix, count: int) -> Row:
    pipeline = plan.pipeline()
    pipeline.warm_up()
    made = events(mix, plan.recordings, run="alone", count=count)
    run = _running(pipeline, made)
    some = made[:: min(ALONE_SHARE, count)]
    with torch_threads(available_cores()):
        ours, alone = rates(
            Work(run=lambda: run(made), amount=len(made)),
            Work(run=lambda: _alone(pipeline, run, some), amount=len(some)),
            repetitions=plan.repetitions,
        )
        series = _over_sizes(run, made, statistics.median(alone))
    return row_of_turns(
        f"one_at_a_time[{mix}]",
        ours,
        alone,
        unit="events/s",
        against="one event at a time",
        goal=Goal(on="ratio", op=">=", x=3),
        details={"events": len(made)},
        series=[series],
    )


def _alone(pipeline: Pipeline, run: Run, some: Sequence[ContentEvent]) -> None:
    with in_turn(pipeline):
        for event in some:
            run([event])


def _over_sizes(run: Run, made: Sequence[ContentEvent], alone_hz: float) -> Series:
    """The rate over the number of events at once, each measured once."""
    points = [(1.0, alone_hz)]
    for size in SIZES:
        if size < len(made):
            begin = time.perf_counter()
            run(made[:size])
            points.append((size, size / (time.perf_counter() - begin)))
    return Series(
        kind="line",
        title="events together",
        x="events at once",
        y="events/s",
        lines={"one run": points},
    )


def _running(pipeline: Pipeline, made: Sequence[ContentEvent]) -> Run:
    media = media_of(made)
    return lambda some: pipeline.run(some, media=media)
