"""`model[signal]`: the scorer of one signal alone, on inputs that were decoded before.

Ours gives it batches of as many seconds (texts, recordings in step) as the worker does; the series
says what other sizes give. The baseline is one item at a time: a clip, a window, a text, a
recording. Where the settings choose a checkpoint of transformers for the signal
(`worker.models`), its pipeline with its own batching stands in the details as well.

The audio is that of the first mix asked for that has recordings; by default voice clips for what
reads speech and songs for what reads windows. Texts are those of the mix, in eight languages: what
a model does not read passes it by, with both.
"""

import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from earmark.models.device import available_cores
from earmark.models.error import ConfigurationError
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.model_work import Given, given_of, loaded
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, timed, torch_threads
from earmark.streams.bench.row import Goal, Row, Unmeasured, spread
from earmark.streams.bench.series import Series

BASELINE_SHARE = 4  # the baseline gets a part of the items: it takes the longer for each
MUSIC_GOAL = 20_000.0  # x real time, on one GPU of a data centre
PIPELINE_BATCH = 32


def modelled(plan: Plan, *, name: str) -> Row:
    """Seconds of audio, or texts, that the model of the signal reads per second."""
    loaded_signal = loaded(plan, name)
    given = given_of(plan, loaded_signal)
    some = given.part(BASELINE_SHARE)
    with torch_threads(available_cores()):
        mine, theirs = timed(
            Work(run=lambda: given.score(given.budget), amount=given.amount),
            Work(run=lambda: some.score(0), amount=some.amount),
            repetitions=plan.repetitions,
        )
        ours = [given.amount / seconds for seconds in mine]
        baseline = [some.amount / seconds for seconds in theirs]
        series = _over_budgets(given, statistics.median(baseline))
        details = spread(ours, baseline) | _pipeline_details(plan, name, given)
    return Row(
        name=f"model[{name}]",
        value=statistics.median(ours),
        unit=given.unit,
        baseline=statistics.median(baseline),
        against=f"one {given.item} at a time",
        details=details,
        series=[series],
    )


def music_on_gpu(plan: Plan) -> Row:
    """Tags of music on a GPU, which has a goal of its own."""
    if plan.device.kind != "cuda":
        raise Unmeasured("needs a GPU: no CUDA device, or --device says otherwise")
    row = modelled(replace(plan, mixes=(Mix.MUSIC,)), name="audio.music")
    return replace(row, name="music_on_gpu", goal=Goal(on="value", op=">=", x=MUSIC_GOAL))


def _over_budgets(given: Given, one_by_one: float) -> Series:
    """How fast each size of batch goes, once each."""
    points = [
        (budget, given.amount / _once(partial(given.score, budget))) for budget in given.budgets
    ]
    return Series(
        kind="line",
        title=f"{given.name}: throughput against size of batch",
        x=f"{given.budget_unit} a batch",
        y=given.unit,
        lines={
            "ours": points,
            f"one {given.item} at a time": [(size, one_by_one) for size in given.budgets],
        },
    )


def _once(run: Callable[[], object]) -> float:
    ((seconds,), _) = timed(
        Work(run=run, amount=1), Work(run=lambda: None, amount=1), repetitions=1
    )
    return seconds


def _pipeline_details(plan: Plan, name: str, given: Given) -> dict[str, float]:
    """What transformers' own pipeline reads of the same, where it can serve."""
    card = plan.settings.worker.models.get(name)
    if card is None or given.pipeline_task is None:
        return {}
    from earmark.streams.bench.model_pipeline import pipeline_of

    try:
        run = pipeline_of(plan, card, given, batch_size=PIPELINE_BATCH)
    except ConfigurationError as error:
        plan.report(f"no pipeline of transformers for {card}: {error}")
        return {}
    rate = given.amount / _once(run)
    return {"transformers_pipeline": rate}
