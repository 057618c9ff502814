"""Clips of speech: consecutive spans of one recording packed into windows that models read whole.

Packing speech into full windows costs a transcriber a fraction of one padded window per span. A
clip never mixes recordings: then what it says would depend on which events share a batch.

T: samples, 16 kHz, mono, float32
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.sample_queue import SampleQueue

GAP_SAMPLES = SAMPLE_RATE_HZ // 2  # silence kept between two packed spans at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Samples `start` to `end` (exclusive) of a recording; `score` in [0, 1]."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`length` samples of the recording from `source` on, lying at `at` in the clip."""

    at: int
    source: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Speech of one recording, cut together; `language` is what the event declares."""

    samples_T: Samples
    pieces: tuple[Piece, ...]
    language: str | None = None

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return len(self.samples_T) / SAMPLE_RATE_HZ

    def source_ms(self, second: float) -> int:
        """Where in the recording, in milliseconds, a second of the clip lies."""
        at = int(second * SAMPLE_RATE_HZ)
        piece = max(
            (p for p in self.pieces if p.at <= at), key=lambda p: p.at, default=self.pieces[0]
        )
        inside = min(max(at - piece.at, 0), piece.length)
        return round((piece.source + inside) * 1000 / SAMPLE_RATE_HZ)


class SpeechPacker:
    """Cuts spans out of a passing recording and packs them into clips of at most `longest` samples.

    Feed samples and final spans in order; only the samples that a coming span may still need are
    kept. The clips depend on the spans alone, not on how the samples arrived.
    """

    def __init__(self, *, longest_s: float, language: str | None) -> None:
        self._longest = int(longest_s * SAMPLE_RATE_HZ)
        self._language = language
        self._held = SampleQueue()
        self._parts: list[Samples] = []
        self._pieces: list[Piece] = []
        self._filled = 0

    def feed(self, samples_T: Samples) -> None:
        """Take the next samples of the recording."""
        self._held.put(samples_T)

    def cut(self, spans: Sequence[Span], *, floor: int) -> list[Clip]:
        """The clips that became full; then forget the samples before `floor`."""
        clips = [clip for span in spans for clip in self._append(span)]
        self._held.forget(floor)
        return clips

    def flush(self) -> list[Clip]:
        """The clip that is not full yet, if there is one."""
        if not self._pieces:
            return []
        clip = Clip(
            samples_T=np.concatenate(self._parts),
            pieces=tuple(self._pieces),
            language=self._language,
        )
        self._parts, self._pieces, self._filled = [], [], 0
        return [clip]

    def _append(self, span: Span) -> list[Clip]:
        done: list[Clip] = []
        for start in range(span.start, span.end, self._longest):
            end = min(start + self._longest, span.end)
            gap = self._gap(start)
            if self._filled + gap + (end - start) > self._longest:
                done += self.flush()
                gap = 0
            self._place(start, end, gap)
        return done

    def _gap(self, start: int) -> int:
        if not self._pieces:
            return 0
        last = self._pieces[-1]
        return min(start - (last.source + last.length), GAP_SAMPLES)

    def _place(self, start: int, end: int, gap: int) -> None:
        held = self._held.cut(start, end)
        self._parts += [np.zeros(gap, np.float32), held]
        self._pieces.append(Piece(at=self._filled + gap, source=start, length=len(held)))
        self._filled += gap + len(held)
