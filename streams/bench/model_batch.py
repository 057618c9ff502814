"""What the model of a signal is given when it is measured alone, in batches of any size.

It needs neither decoders nor Kafka: see `bare`. T: samples (16 kHz, mono, float32), B: batch
"""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, ClassVar

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.budget import CLIP_S, PASSAGE_ITEMS, STREAM_WIDTH, WINDOW_S
from earmark.processors.clip import Clip, Piece
from earmark.processors.content import ContentEvent
from earmark.processors.signal import ItemView, SignalSpec, Takes
from earmark.processors.window import Window, WindowCutter
from earmark.processors.window_stack import WindowStack
from earmark.streams.bench.mix_text import item as text_item
from earmark.streams.bench.rate import Work, rates, timed
from earmark.streams.bench.row import Row, row_of_turns
from earmark.streams.bench.series import Series

AUDIO_S = {"cpu": 240.0, "cuda": 3_840.0}  # so much is measured on
STREAMS = {"cpu": 32, "cuda": 256}  # recordings, of `STREAM_S`
STREAM_S = 12.0
TEXTS = {"cpu": 1_024, "cuda": 8_192}
SIZES: Mapping[Takes, Mapping[str, tuple[float, ...]]] = {  # tried beside the worker's own
    Takes.CLIPS: {"cpu": (30.0, 60.0, 120.0), "cuda": (120.0, 480.0, 3_840.0)},
    Takes.WINDOWS: {"cpu": (15.0, 30.0, 60.0, 240.0), "cuda": (120.0, 480.0, 3_840.0)},
    Takes.STREAM: {"cpu": (4.0, 8.0, 16.0), "cuda": (8.0, 128.0, 256.0)},
    Takes.PASSAGES: {"cpu": (16.0, 64.0, 1_024.0), "cuda": (64.0, 1_024.0, 4_096.0)},
}
BASELINE_SHARE = {"cpu": 4, "cuda": 16}  # the baseline gets a part: it takes the longer for each
SEED = 8  # of the texts
_QUIETER = 1e-6
_TIMES = count()
_STACK = WindowStack()
_TASKS = {Takes.PASSAGES: "text-classification", Takes.WINDOWS: "audio-classification"}

Heard = Callable[[float], Iterable[Samples]]  # recordings of so many seconds in all


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
    part_of: int = 4
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
        windows_BT = _STACK.stacked([window.samples_T for window in batch])
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


def given_to(
    spec: SignalSpec, scorer: Any, heard: Heard, *, kind: str, share: float, unit: str
) -> Given:
    """What the scorer of that signal is measured on, a share of it where that is enough."""

    def form(of: type[Given], items: Sequence[Any], budget: float, unit: str = unit) -> Given:
        return of(
            name=spec.name,
            scorer=scorer,
            items=items,
            budget=budget,
            budgets=sorted({*SIZES[spec.takes][kind], budget}),
            unit=unit,
            part_of=BASELINE_SHARE[kind],
            pipeline_task=_TASKS.get(spec.takes),
        )

    match spec.takes:
        case Takes.PASSAGES:
            number = max(1, round(TEXTS[kind] * share))
            return form(Passages, list(_views(number)), PASSAGE_ITEMS, "items/s, text")
        case Takes.STREAM:
            number = max(1, round(STREAMS[kind] * share))
            length = int(STREAM_S * SAMPLE_RATE_HZ)
            return form(Streams, list(_cut(heard(number * STREAM_S), length)), STREAM_WIDTH[kind])
        case Takes.CLIPS:
            return form(Clips, list(_clips(heard(AUDIO_S[kind] * share), scorer)), CLIP_S[kind])
        case _:
            windows = list(_windows(heard(AUDIO_S[kind] * share), scorer))
            return form(Windows, windows, WINDOW_S[kind])


def measured(given: Given, *, repetitions: int) -> Row:
    """The row of the model, with the rates at other sizes of batch as its series."""
    some = given.part(given.part_of)
    ours, baseline = rates(
        Work(run=lambda: given.score(given.budget), amount=given.amount),
        Work(run=lambda: some.score(0), amount=some.amount),
        repetitions=repetitions,
    )
    return row_of_turns(
        f"model[{given.name}]",
        ours,
        baseline,
        unit=given.unit,
        against=f"one {given.item} at a time",
        series=[_over_budgets(given, statistics.median(baseline))],
    )


def once(run: Callable[[], object]) -> float:
    """The seconds of one run, after one that does not count."""
    ((seconds,), _) = timed(
        Work(run=run, amount=1), Work(run=lambda: None, amount=1), repetitions=1
    )
    return seconds


def _over_budgets(given: Given, one_by_one: float) -> Series:
    """How fast each size of batch goes, once each."""
    points = [
        (budget, given.amount / once(partial(given.score, budget))) for budget in given.budgets
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


def _views(number: int) -> Iterator[ItemView]:
    for at in range(number):
        texts = text_item(SEED, at)
        yield ItemView(
            event=ContentEvent(
                event_id=str(at), content_id=str(at), language=texts[0].language, texts=texts
            )
        )


def _cut(heard: Iterable[Samples], length: int) -> Iterator[Samples]:
    """All that was heard in pieces of one length; what is left at the end is dropped."""
    held = np.concatenate(list(heard))
    for start in range(0, len(held) - length + 1, length):
        yield held[start : start + length]


def _clips(heard: Iterable[Samples], scorer: Any) -> Iterator[Clip]:
    longest = int(scorer.longest_s * SAMPLE_RATE_HZ)
    for samples_T in heard:
        for start in range(0, len(samples_T), longest):
            part_T = samples_T[start : start + longest]
            if len(part_T) >= SAMPLE_RATE_HZ // 2:  # a rest of a moment is no clip
                pieces = (Piece(at=0, source=start, length=len(part_T)),)
                yield Clip(samples_T=part_T, pieces=pieces, language="en")


def _windows(heard: Iterable[Samples], scorer: Any) -> Iterator[Window]:
    for samples_T in heard:
        cutter = WindowCutter(size=scorer.trunk.window_samples, hop=scorer.trunk.hop_samples)
        yield from cutter.cut(samples_T)
        yield from cutter.flush()
