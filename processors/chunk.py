"""Regrouping of a passing recording into chunks of one length, whatever blocks it arrives in.

What works on such chunks gives the same answer, to the last bit, however the samples came.

C: channels, T: samples
"""

from collections.abc import Iterator

import numpy as np

from earmark.processors.block import Samples


class Chunker:
    """Gives out chunks of `length` samples as they fill; `rest` is what is left at the end."""

    def __init__(self, *, channels: int, length: int) -> None:
        self._chunk_CT = np.empty((channels, length), np.float32)
        self._filled = 0

    def push(self, samples_CT: Samples) -> Iterator[Samples]:
        """The chunks that became full; each is a new array."""
        at = 0
        while at < samples_CT.shape[-1]:
            room = self._chunk_CT.shape[-1] - self._filled
            piece_CT = samples_CT[:, at : at + room]
            self._chunk_CT[:, self._filled : self._filled + piece_CT.shape[-1]] = piece_CT
            self._filled += piece_CT.shape[-1]
            at += piece_CT.shape[-1]
            if piece_CT.shape[-1] == room:
                yield self._chunk_CT
                self._chunk_CT = np.empty_like(self._chunk_CT)
                self._filled = 0

    def rest(self) -> Samples:
        """The samples that do not fill a chunk, perhaps none."""
        return self._chunk_CT[:, : self._filled]
