"""What the model of a signal is given when it is measured alone, in batches of any size.

T: samples (16 kHz, mono, float32), B: batch
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, ClassVar

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.budget import CLIP_S, PASSAGE_ITEMS, STREAM_WIDTH, WINDOW_S
from earmark.processors.clip import Clip, Piece
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.loader import load_specs, with_models
from earmark.processors.signal import ItemView, SignalSpec, Takes
from earmark.processors.threshold import shipped_thresholds
from earmark.processors.window import Window, WindowCutter
from earmark.streams.bench.mix import Mix, events, recorded_one_by_one
from earmark.streams.bench.plan import Plan

AUDIO_S = {"cpu": 240.0, "cuda": 3_840.0}  # so much is measured on
STREAMS = {"cpu": 32, "cuda": 256}  # recordings, of `STREAM_S`
STREAM_S = 12.0
TEXTS = {"cpu": 1_024, "cuda": 8_192}
SIZES: Mapping[
    Takes, Mapping[str, tuple[float, ...]]
] = {  # of batches that are tried, beside the worker's own
    Takes.CLIPS: {"cpu": (30.0, 60.0, 120.0), "cuda": (120.0, 480.0, 3_840.0)},
    Takes.WINDOWS: {"cpu": (15.0, 30.0, 60.0, 240.0), "cuda": (120.0, 480.0, 3_840.0)},
    Takes.STREAM: {"cpu": (4.0, 8.0, 16.0), "cuda": (8.0, 128.0, 256.0)},
    Takes.PASSAGES: {"cpu": (16.0, 64.0, 1_024.0), "cuda": (64.0, 1_024.0, 4_096.0)},
}
_QUIETER = 1e-6
_TIMES = count()
_MIX = {Takes.CLIPS: Mix.VOICE, Takes.STREAM: Mix.VOICE, Takes.WINDOWS: Mix.MUSIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The scorer of a signal and what is known of it."""

    spec: SignalSpec
    scorer: Any


@dataclass(frozen=True, kw_only=True)
class Given(ABC):
    """Items for a scorer. `budget` is what a worker gives it at once; `budgets`, sizes to try."""

    item: ClassVar[str]
    budget_unit: ClassVar[str] = "seconds"
    unit: str
    name: str
    scorer: Any = field(repr=False)
    items: Sequence[Any] = field(repr=False)
    budget: float
    budgets: Sequence[float]
    pipeline_task: str | None = None

    @property
    def amount(self) -> float:
        """What all items are together, in what the unit counts."""
        return sum(map(self.size, self.items))

    def part(self, share: int) -> "Given":
        """The same with every so manieth item."""
        return replace(self, items=self.items[::share])

    def size(self, item: Any) -> float:
        """What one item counts for in a batch."""
        return 1.0

    def score(self, budget: float) -> None:
        """Read all items, in batches of so much, but of one item at least."""
        batch: list[Any] = []
        held = 0.0
        for item in self.items:
            if batch and held + self.size(item) > budget:
                self.read(batch)
                batch, held = [], 0.0
            batch.append(item)
            held += self.size(item)
        if batch:
            self.read(batch)

    @abstractmethod
    def read(self, batch: Sequence[Any]) -> None:
        """Read one batch."""


class Clips(Given):
    """Clips of speech."""

    item = "clip"

    def size(self, item: Clip) -> float:
        """Its seconds."""
        return item.seconds

    def read(self, batch: Sequence[Clip]) -> None:
        """By the model, as a stage has it read them; a little quieter each time.

        A scorer may remember what it heard of the same samples: here that would be all of them.
        """
        gain = np.float32(1 - _QUIETER * next(_TIMES))
        self.scorer.score([replace(clip, samples_T=clip.samples_T * gain) for clip in batch])


class Windows(Given):
    """Windows of recordings."""

    item = "window"

    def size(self, item: Window) -> float:
        """Its seconds, the hop's where windows overlap: what it adds to the audio heard."""
        return float(self.scorer.trunk.hop_samples / SAMPLE_RATE_HZ)

    def read(self, batch: Sequence[Window]) -> None:
        """By trunk and head."""
        windows_BT = np.stack([window.samples_T for window in batch])
        features = self.scorer.trunk.features(windows_BT, [window.length for window in batch])
        self.scorer.score(features)


class Streams(Given):
    """Recordings of equal length that are stepped together; the unit counts their seconds."""

    item = "recording"
    budget_unit = "recordings"

    @property
    def amount(self) -> float:
        """Seconds of all recordings."""
        return sum(map(len, self.items)) / SAMPLE_RATE_HZ

    def read(self, batch: Sequence[Samples]) -> None:
        """Step by step to the end."""
        size = self.scorer.chunk_samples
        streams = [self.scorer.start() for _ in batch]
        length = len(batch[0])
        for start in range(0, length, size):
            real = min(size, length - start)
            chunks_BT = np.zeros((len(batch), size), np.float32)
            chunks_BT[:, :real] = [samples_T[start : start + real] for samples_T in batch]
            self.scorer.step(streams, chunks_BT, [real] * len(batch))
        for stream in streams:
            self.scorer.finish(stream, length * 1000 // SAMPLE_RATE_HZ)


class Passages(Given):
    """Texts of items."""

    item = "text"
    budget_unit = "items"

    def read(self, batch: Sequence[ItemView]) -> None:
        """By the model, sentence by sentence where it does that."""
        self.scorer.score(batch)


def loaded(plan: Plan, name: str) -> Loaded:
    """The scorer of the signal, by the card that the settings choose; its weights are fetched."""
    spec = with_models(load_specs([name]), _chosen(plan, name))[name]
    for card in spec.models:
        plan.store.pull(card, progress=plan.progress)
    scorer = spec.load(store=plan.store, device=plan.device, thresholds=shipped_thresholds(name))
    return Loaded(spec=spec, scorer=scorer)


def _chosen(plan: Plan, name: str) -> Mapping[str, str]:
    card = plan.settings.worker.models.get(name)
    return {} if card is None else {name: card}


def given_of(plan: Plan, of: Loaded) -> Given:
    """What the scorer is measured on."""
    kind, takes = plan.device.kind, of.spec.takes
    if takes is Takes.PASSAGES:
        views = [
            ItemView(event=event)
            for event in events(
                Mix.TEXT, plan.recordings, run="model", count=plan.scaled(TEXTS[kind])
            )
        ]
        return _given(Passages, of, views, PASSAGE_ITEMS, kind, "items/s, text")
    mix = _mix(plan, takes)
    unit = f"x real time, {mix}"
    if takes is Takes.STREAM:
        seconds = STREAM_S * plan.scaled(STREAMS[kind])
        samples = list(_cut(_heard(plan, mix, seconds), int(STREAM_S * SAMPLE_RATE_HZ)))
        return _given(Streams, of, samples, STREAM_WIDTH, kind, unit)
    heard = _heard(plan, mix, plan.scaled(round(AUDIO_S[kind])))
    if takes is Takes.CLIPS:
        return _given(Clips, of, list(_clips(heard, of.scorer)), CLIP_S[kind], kind, unit)
    windows = list(_windows(heard, of.scorer))
    return _given(Windows, of, windows, WINDOW_S[kind], kind, unit)


def _given(
    form: type[Given], of: Loaded, items: Sequence[Any], budget: float, kind: str, unit: str
) -> Given:
    sizes = SIZES[of.spec.takes][kind]
    return form(
        name=of.spec.name,
        scorer=of.scorer,
        items=items,
        budget=budget,
        budgets=sorted({*sizes, budget}),
        unit=unit,
        pipeline_task=_TASKS.get(of.spec.takes),
    )


_TASKS = {Takes.PASSAGES: "text-classification", Takes.WINDOWS: "audio-classification"}


def _mix(plan: Plan, takes: Takes) -> Mix:
    """The first mix asked for that is recordings of one kind, else what the model is for."""
    if set(plan.mixes) == set(Mix):
        return _MIX[takes]
    fitting = [mix for mix in plan.mixes if mix in (Mix.MUSIC, Mix.PODCAST, Mix.VOICE)]
    return fitting[0] if fitting else _MIX[takes]


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


def _cut(heard: Iterator[Samples], length: int) -> Iterator[Samples]:
    """All that was heard in pieces of one length; what is left at the end is dropped."""
    held = np.concatenate(list(heard))
    for start in range(0, len(held) - length + 1, length):
        yield held[start : start + length]


def _clips(heard: Iterator[Samples], scorer: Any) -> Iterator[Clip]:
    longest = int(scorer.longest_s * SAMPLE_RATE_HZ)
    for samples_T in heard:
        for start in range(0, len(samples_T), longest):
            part_T = samples_T[start : start + longest]
            if len(part_T) >= SAMPLE_RATE_HZ // 2:  # a rest of a moment is no clip
                pieces = (Piece(at=0, source=start, length=len(part_T)),)
                yield Clip(samples_T=part_T, pieces=pieces, language="en")


def _windows(heard: Iterator[Samples], scorer: Any) -> Iterator[Window]:
    for samples_T in heard:
        cutter = WindowCutter(size=scorer.trunk.window_samples, hop=scorer.trunk.hop_samples)
        yield from cutter.cut(samples_T)
        yield from cutter.flush()
