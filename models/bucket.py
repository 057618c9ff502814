"""Which rows of unlike lengths share a batch, so that little is computed for padding.

Lengths fall into buckets whose upper edges grow by a third, each in two halves, in whatever unit
they are: tokens, samples. A batch holds rows of one half, in order of length, and is bounded by
what it holds with its padding. On lognormal lengths less than a tenth of such batches is padding
(a seventh with whole buckets), where rows that are batched as they come are padding for two thirds
to three quarters.

Which rows are there to choose from is the stage's affair: it gathers as they come, up to its
budget, and hands over all of it. So no row waits for others of its length.

Shapes. R: rows
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROWTH = (4 / 3) ** 0.5

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Edges from `first` on, each `GROWTH` times the one before, in multiples of `step`.

    `call` is what calling the network costs, as a length: rows of a bucket are not worth a call of
    their own where they are made up to the next one's rows for less.
    """

    first: int
    step: int = 1
    call: int = 0

    def edge_of(self, length: int) -> int:
        """The edge of the bucket that a row of this length falls into."""
        edge = self.first
        while edge < length:
            edge = self._next(edge)
        return edge

    def batches(self, lengths_R: Sequence[int] | Rows, limit: float) -> Iterator[Rows]:
        """The numbers of the rows, shortest first, batch by batch.

        A batch made up to its longest row is at most `limit` in all, or it is one row.
        """
        lengths_R = np.asarray(lengths_R, np.int64)
        order = np.argsort(lengths_R, kind="stable")
        for rows in self._gathered(order, lengths_R[order]):
            yield from _bounded(rows, lengths_R[rows], limit)

    def _gathered(self, order: Rows, ascending_R: Rows) -> Iterator[Rows]:
        """Buckets in ascending order; small ones go with the next."""
        begin = 0
        for end in self._ends(ascending_R):
            if end < len(order):
                longest_next = ascending_R[min(self._end_after(ascending_R, end), len(order)) - 1]
                if (longest_next - ascending_R[end - 1]) * (end - begin) < self.call:
                    continue
            yield order[begin:end]
            begin = end

    def _ends(self, ascending_R: Rows) -> Iterator[int]:
        end = 0
        while end < len(ascending_R):
            end = self._end_after(ascending_R, end)
            yield end

    def _end_after(self, ascending_R: Rows, begin: int) -> int:
        """Where the bucket of the row at `begin` ends."""
        edge = self.edge_of(int(ascending_R[begin]))
        return int(np.searchsorted(ascending_R, edge, side="right"))

    def _next(self, edge: int) -> int:
        return -(-int(np.ceil(edge * GROWTH)) // self.step) * self.step


def _bounded(rows: Rows, ascending_R: Rows, limit: float) -> Iterator[Rows]:
    begin = 0
    for end in range(1, len(rows) + 1):
        is_full = end == len(rows) or ascending_R[end] * (end + 1 - begin) > limit
        if is_full:
            yield rows[begin:end]
            begin = end
