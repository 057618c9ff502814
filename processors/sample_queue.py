"""Samples of a recording between those who bring them and those who take them, copied once at most.

T: samples, 16 kHz, mono, float32
"""

from collections import deque

import numpy as np

from earmark.processors.block import NO_SAMPLES, Samples


class SampleQueue:
    """The samples from `begin` to `end` of one recording, as the arrays in which they came.

    What is forgotten goes with its whole array, so up to one block more than asked is kept.
    """

    def __init__(self) -> None:
        self._arrays: deque[Samples] = deque()
        self._first = 0  # where the first array begins
        self.begin = 0
        self.end = 0

    def __len__(self) -> int:
        return self.end - self.begin

    @property
    def kept(self) -> int:
        """How many samples are in memory."""
        return self.end - self._first

    def put(self, samples_T: Samples) -> None:
        """Append the next samples."""
        if len(samples_T):
            self._arrays.append(samples_T)
            self.end += len(samples_T)

    def cut(self, start: int, end: int) -> Samples:
        """The samples `start` to `end` of the recording that are still here, in a new array."""
        parts, at = [], self._first
        for array_T in self._arrays:
            parts.append(array_T[max(start - at, 0) : max(end - at, 0)])
            at += len(array_T)
            if at >= end:
                break
        return np.concatenate(parts) if parts else NO_SAMPLES.copy()

    def take(self, count: int) -> Samples:
        """The first `count` samples, or all where there are fewer; they are no longer here."""
        taken_T = self.cut(self.begin, self.begin + count)
        self.forget(self.begin + count)
        return taken_T

    def forget(self, before: int) -> None:
        """Keep only the samples from `before` on; those to come are kept too."""
        self.begin = min(max(before, self.begin), self.end)
        while self._arrays and self._first + len(self._arrays[0]) <= self.begin:
            self._first += len(self._arrays.popleft())
