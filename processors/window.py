"""Windows of equal length that cover a recording, cut as it passes.

T: samples, 16 kHz, mono, float32
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from earmark.processors.block import NO_SAMPLES, SAMPLE_RATE_HZ, Samples


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
        self._held: Samples = NO_SAMPLES
        self._fresh = 0  # held samples that are in no window yet

    def cut(self, samples_T: Samples) -> Iterator[Window]:
        """The windows that became full with the next samples of the recording."""
        self._held = np.concatenate((self._held, samples_T))
        self._fresh += len(samples_T)
        while len(self._held) >= self._size:
            yield Window(samples_T=self._held[: self._size].copy(), length=self._size)
            self._held = self._held[self._hop :]
            self._fresh = len(self._held) - (self._size - self._hop)
        self._held = self._held.copy()

    def flush(self) -> Iterator[Window]:
        """The last window, if samples are left that were in none."""
        if self._fresh > 0:
            padded_T = np.zeros(self._size, np.float32)
            padded_T[: len(self._held)] = self._held
            yield Window(samples_T=padded_T, length=len(self._held))
        self._held, self._fresh = NO_SAMPLES, 0
