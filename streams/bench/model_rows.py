"""`model[signal]`: the scorer of one signal alone, on inputs that were decoded before.

Ours gives it batches of as many seconds (texts, recordings in step) as the worker does; the series
says what other sizes give. The baseline is one item at a time: a clip, a window, a text, a
recording. Where the settings choose a checkpoint of transformers for the signal
(`worker.models`), its pipeline with its own batching stands in the details as well.

The audio is that of the first mix asked for that has recordings; by default voice clips for what
reads speech and songs for what reads windows. Texts are those of the mix, in eight languages: what
a model does not read passes it by, with both.
"""

from dataclasses import replace

from earmark.models.device import available_cores
from earmark.models.error import ConfigurationError
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.model_batch import Given, measured, once
from earmark.streams.bench.model_work import given_of
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import torch_threads
from earmark.streams.bench.row import Goal, Row, Unmeasured

MUSIC_GOAL = 20_000.0  # x real time, on one GPU of a data centre
PIPELINE_BATCH = 32


def modelled(plan: Plan, *, name: str) -> Row:
    """Seconds of audio, or texts, that the model of the signal reads per second."""
    given = given_of(plan, name)
    with torch_threads(available_cores()):
        row = measured(given, repetitions=plan.repetitions)
        return replace(row, details={**row.details, **_pipeline_details(plan, name, given)})


def music_on_gpu(plan: Plan) -> Row:
    """Tags of music on a GPU, which has a goal of its own."""
    if plan.device.kind != "cuda":
        raise Unmeasured("needs a GPU: no CUDA device, or --device says otherwise")
    row = modelled(replace(plan, mixes=(Mix.MUSIC,)), name="audio.music")
    return replace(row, name="music_on_gpu", goal=Goal(on="value", op=">=", x=MUSIC_GOAL))


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
    rate = given.amount / once(run)
    return {"transformers_pipeline": rate}
