"""What models are measured on in a whole installation: the mixes, decoded as a worker does.

T: samples (16 kHz, mono, float32)
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.loader import load_specs, with_models
from earmark.processors.signal import Takes
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.bench.mix import RECORDED, Mix, recorded_one_by_one
from earmark.streams.bench.model_batch import Given, given_to
from earmark.streams.bench.plan import QUICK_SHARE, Plan

_MIX = {Takes.CLIPS: Mix.VOICE, Takes.STREAM: Mix.VOICE, Takes.WINDOWS: Mix.MUSIC}


def given_of(plan: Plan, name: str) -> Given:
    """The model of the signal, by the card that the settings choose, and what it reads."""
    card = plan.settings.worker.models.get(name)
    spec = with_models(load_specs([name]), {} if card is None else {name: card})[name]
    for each in spec.models:
        plan.store.pull(each, progress=plan.progress)
    scorer = spec.load(store=plan.store, device=plan.device, thresholds=shipped_thresholds(name))
    mix = _mix(plan, spec.takes)
    return given_to(
        spec,
        scorer,
        partial(_heard, plan, mix),
        kind=plan.device.kind,
        share=1 / QUICK_SHARE if plan.quick else 1,
        unit=f"x real time, {mix}",
    )


def _mix(plan: Plan, takes: Takes) -> Mix:
    """The first mix asked for that is recordings of one kind, else what the model is for."""
    usual = _MIX.get(takes, Mix.TEXT)
    if set(plan.mixes) == set(Mix):
        return usual
    return next((mix for mix in plan.mixes if mix in RECORDED), usual)


def _heard(plan: Plan, mix: Mix, seconds: float) -> Iterator[Samples]:
    """The mix as it is decoded, recording by recording, until it is so many seconds."""
    left = int(seconds * SAMPLE_RATE_HZ)
    for each in recorded_one_by_one(mix, plan.recordings, seconds=None, count=1_000_000):
        audio = Audio(uri=each.path.resolve().as_uri(), media_type=each.media_type)
        event = ContentEvent(event_id="bench", content_id="bench", audio=audio)
        taken: list[Samples] = []
        for block in decode(event, each.path.resolve()):
            taken.append(block.samples_T[:left])
            left -= len(taken[-1])
            if left <= 0:
                break
        yield np.concatenate(taken)
        if left <= 0:
            return
