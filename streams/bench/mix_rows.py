"""The whole worker through Kafka on each mix, beside its limit: the models alone.

The clock runs from the first event sent to the last one committed: producing, consuming, fetching,
decoding, scoring, encoding and the transactions are all in it. The limit is the pipeline in this
process, all signals too, on the same items decoded before the clock runs and given to it together:
the same models on the same batches, with every core to themselves.
"""

from collections.abc import Sequence
from itertools import count

from earmark.processors.content import ContentEvent
from earmark.streams.assembly import available_cores
from earmark.streams.bench.mix import Mix, events, recorded
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, timed, torch_threads
from earmark.streams.bench.row import Goal, Row, spread
from earmark.streams.bench.served import served
from earmark.streams.bench.worker_rows import media_of

AUDIO_S = {Mix.MUSIC: 720.0, Mix.PODCAST: 1_200.0, Mix.VOICE: 360.0, Mix.BLEND: 1_800.0}
LEAST_QUICK_S = 90.0
REPETITIONS = 2  # of minutes each
GOAL = 0.92
AGAINST = "the models alone, decoded before"


def worker_music(plan: Plan) -> Row:
    """Seconds of songs answered per second."""
    return _row(plan, Mix.MUSIC)


def worker_podcast(plan: Plan) -> Row:
    """Seconds of podcasts answered per second."""
    return _row(plan, Mix.PODCAST)


def worker_voice(plan: Plan) -> Row:
    """Seconds of voice messages answered per second."""
    return _row(plan, Mix.VOICE)


def worker_blend(plan: Plan) -> Row:
    """Seconds of audio answered per second, with the texts between the recordings."""
    return _row(plan, Mix.BLEND)


def _row(plan: Plan, mix: Mix) -> Row:
    seconds = AUDIO_S[mix]
    if plan.quick:
        seconds = max(LEAST_QUICK_S, seconds / 8)
    made = recorded(mix, plan.recordings, seconds=seconds)
    audio_s = sum(each.seconds for each in made)

    def items(run: str) -> Sequence[ContentEvent]:
        return events(mix, plan.recordings, run=run, seconds=seconds)

    ours, theirs = _timed(plan, mix, items)
    value, baseline = ([audio_s / each for each in times] for times in (ours, theirs))
    figures = spread(value, baseline)
    return Row(
        name=f"worker_{mix}",
        value=sorted(value)[len(value) // 2],
        unit="x real time",
        baseline=sorted(baseline)[len(baseline) // 2],
        against=AGAINST,
        goal=Goal(on="ratio", op=">=", x=GOAL),
        details={"audio_s": audio_s, "events": float(len(items("count"))), **figures},
    )


def _timed(plan: Plan, mix: Mix, items):
    runs = count()
    pipeline = plan.pipeline()
    sample = items("baseline")
    blocks = list(pipeline.decoded(sample, media=media_of(sample)))
    with served(plan) as worker, torch_threads(available_cores()):
        pipeline.warm_up()
        return timed(
            Work(run=lambda: worker.answer(items(f"{mix}-{next(runs)}"), anew=True), amount=1),
            Work(run=lambda: list(pipeline.score(blocks)), amount=1),
            repetitions=plan.repeated(REPETITIONS),
        )
