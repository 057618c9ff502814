"""`pipeline[signal]`: `Pipeline.score` of many items beside each by itself, with nothing decoded.

It asks for no package but torch, torchaudio and numpy, and for those of the signal's own models.
What is heard is made here: songs of the synthesiser, and the shipped speech in pieces of 1 to 30 s.

T: samples, 16 kHz, mono, C: channels
"""

from collections.abc import Iterator, Sequence
from importlib import import_module

import numpy as np
import torch

from earmark.models.device import Device, available_cores
from earmark.models.store import ModelStore
from earmark.processors.block import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block, End, Samples
from earmark.processors.content import Audio, ContentEvent, ContentType
from earmark.processors.envelope import envelopes
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import SignalSpec, Takes
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.bench.mix_text import item
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.synthesiser import RATE_HZ, tune

PACKAGE = "earmark.processors.signals"
SEED = 8
SONGS = {"cpu": 2, "cuda": 64}
SONG_S = 180.0
CLIPS = {"cpu": 24, "cuda": 2_048}
CLIP_MU, CLIP_SIGMA, CLIP_S = np.log(6.0), 0.8, (1.0, 30.0)
TEXTS = {"cpu": 512, "cuda": 16_384}
BASELINE_SHARE = {"cpu": 4, "cuda": 64}  # one in so many: alone, a GPU takes each as slowly
GOALS = {"audio.music": 20_000.0, "audio.transcript": 1_500.0}  # x real time, on a GPU

Item = Sequence[Block]


def measured(name: str, store: ModelStore, device: Device, *, repetitions: int) -> Row:
    """Seconds of audio, or items with text alone, per second."""
    pipeline = loaded(name, store, device)
    items = list(_items(name, device))
    some = items[:: BASELINE_SHARE[device.kind]]
    with torch_threads(available_cores()):
        figures = rates(
            Work(run=lambda: _score(pipeline, items), amount=_amount(items)),
            Work(run=lambda: _score_each(pipeline, some), amount=_amount(some)),
            repetitions=repetitions,
        )
    goal = GOALS.get(name) if device.kind == "cuda" else None
    return row_of_turns(
        f"pipeline[{name}]",
        *figures,
        unit="items/s" if name.startswith("text.") else "x real time",
        against="one item at a time",
        goal=None if goal is None else Goal(on="value", op=">=", x=goal),
        details={"items": float(len(items))},
    )


def _score(pipeline: Pipeline, items: Sequence[Item]) -> None:
    for _ in pipeline.score(block for blocks in items for block in blocks):
        pass
    if pipeline.device.kind == "cuda":
        torch.cuda.synchronize()


def _score_each(pipeline: Pipeline, items: Sequence[Item]) -> None:
    for each in items:
        _score(pipeline, [each])


def _amount(items: Sequence[Item]) -> float:
    """Seconds of audio; where there is none, items."""
    samples = sum(len(block.samples_T) for blocks in items for block in blocks)
    return samples / SAMPLE_RATE_HZ or len(items)


def loaded(name: str, store: ModelStore, device: Device) -> Pipeline:
    """The pipeline of one built-in signal and what it needs, ready to score."""
    specs = dict(_with_needs(name))
    scorers = {
        each: spec.load(store=store, device=device, thresholds=shipped_thresholds(each))
        for each, spec in specs.items()
        if spec.takes is not Takes.METER
    }
    pipeline = Pipeline(
        specs=specs,
        scorers=scorers,
        envelopes=envelopes(specs, store, device),
        asked=[name],
        device=device,
    )
    pipeline.warm_up()
    return pipeline


def _with_needs(name: str) -> Iterator[tuple[str, SignalSpec]]:
    """The built-in signal and what it needs, needs first; of others, nothing is imported."""
    spec = spec_of(name)
    for need in spec.needs:
        yield from _with_needs(need)
    yield name, spec


def spec_of(name: str) -> SignalSpec:
    """The built-in signal, by its module: the loader would import what is not here."""
    own = name.replace(".", "_")
    spec: SignalSpec = getattr(import_module(f"{PACKAGE}.{own}"), own)
    return spec


def _items(name: str, device: Device) -> Iterator[Item]:
    if name.startswith("text."):
        for number in range(TEXTS[device.kind]):
            event = _event(number, ContentType.COMMENT)
            text = ContentEvent(
                event_id=event.event_id,
                content_id=event.content_id,
                content_type=event.content_type,
                source=event.source,
                texts=item(SEED, number),
            )
            yield [Block(event=text, samples_T=np.zeros(0, np.float32), end=End())]
    elif name == "audio.music":
        for number in range(SONGS[device.kind]):
            song_T = np.tile(song(number, SONG_S / 6), 6)
            yield _blocks(song_T, number, ContentType.TRACK)
    else:
        clips = map(_clip, range(CLIPS[device.kind]))
        yield from (_blocks(clip_T, i, ContentType.CLIP) for i, clip_T in enumerate(clips))


def _blocks(samples_T: Samples, number: int, content_type: ContentType) -> Item:
    event = _event(number, content_type)
    parts = [samples_T[at : at + BLOCK_SAMPLES] for at in range(0, len(samples_T), BLOCK_SAMPLES)]
    end = End(duration_ms=len(samples_T) * 1000 // SAMPLE_RATE_HZ)
    return [
        Block(event=event, samples_T=part_T, end=end if part_T is parts[-1] else None)
        for part_T in parts
    ]


def _event(number: int, content_type: ContentType) -> ContentEvent:
    return ContentEvent(
        event_id=f"bare-{number}",
        content_id=f"bare:{number}",
        content_type=content_type,
        source="earmark.bench",
        language="en",
        audio=None if content_type is ContentType.COMMENT else Audio(uri=f"file:///{number}.wav"),
    )


def song(number: int, seconds: float) -> Samples:
    """A song of the synthesiser, as models hear it."""
    from torchaudio.functional import resample

    mono_T = torch.from_numpy(tune(seed=number, seconds=seconds).mean(axis=0))
    resampled_T: Samples = resample(mono_T, RATE_HZ, SAMPLE_RATE_HZ).numpy()
    return resampled_T


def _clip(number: int) -> Samples:
    random = np.random.default_rng([SEED, number])
    seconds = float(np.clip(random.lognormal(CLIP_MU, CLIP_SIGMA), *CLIP_S))
    begin = int(random.integers(len(speech())))
    turned_T = np.roll(speech(), -begin)
    return np.resize(turned_T, int(seconds * SAMPLE_RATE_HZ)) * np.float32(random.uniform(0.5, 1))
