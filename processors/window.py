"""Windows of equal length that cover a recording, cut as it passes.

T: samples, 16 kHz, mono, float32
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.sample_queue import SampleQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Samples of one recording, of which the first `length` are real; zeros fill the rest."""

    samples_T: Samples
    length: int

    @property
    def seconds(self) -> float:
        """Length of the window, the zeros with it."""
        return len(self.samples_T) / SAMPLE_RATE_HZ


class WindowCutter:
    """Cuts a window of `size` samples every `hop`; the last one is whatever is left.

    The windows depend on the recording alone, not on how its samples arrived. A recording that
    is shorter than a window has one.
    """

    def __init__(self, *, size: int, hop: int) -> None:
        self._size = size
        self._hop = hop
        self._held = SampleQueue()
        self._covered = 0  # samples that are in a window

    def cut(self, samples_T: Samples) -> Iterator[Window]:
        """The windows that became full with the next samples of the recording."""
        self._held.put(samples_T)
        while len(self._held) >= self._size:
            start = self._held.begin
            self._covered = start + self._size
            yield Window(samples_T=self._held.cut(start, self._covered), length=self._size)
            self._held.forget(start + self._hop)

    def flush(self) -> Iterator[Window]:
        """The last window, if samples are left that were in none."""
        if self._held.end > self._covered:
            length = len(self._held)
            padded_T = np.zeros(self._size, np.float32)
            padded_T[:length] = self._held.take(length)
            yield Window(samples_T=padded_T, length=length)
        self._held = SampleQueue()
        self._covered = 0
