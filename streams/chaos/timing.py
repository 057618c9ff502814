"""How long events waited: all times are the broker's own, in milliseconds since the epoch."""

from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


class Timing:
    """When each signal was written, and for which event; 17 bytes for a signal."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._written_ms = array("q")
        self._partitions = array("B")

    def note(self, number: int, *, written_ms: int, partition: int) -> None:
        """A signal for the event with this number."""
        self._numbers.append(number)
        self._written_ms.append(written_ms)
        self._partitions.append(partition)

    def longest_gap_s(self, taken_ms: Times) -> float:
        """The longest time between two signals while an event waited, over all partitions."""
        return longest_gap_ms(self._taken(taken_ms), np.array(self._written_ms, np.int64)) / 1000

    def recovery_s(self, taken_ms: Times, killed_ms: Iterable[int]) -> float:
        """The longest time from the kill of a worker until a partition with work went on.

        It is taken over all partitions: those that wait after a kill are the killed worker's. A
        broker that is killed meanwhile counts in.
        """
        taken, written = self._taken(taken_ms), np.array(self._written_ms, np.int64)
        partitions = np.array(self._partitions, np.int64)
        waits = [
            recovery_ms(taken[here], written[here], killed)
            for here in (partitions == number for number in np.unique(partitions))
            for killed in killed_ms
        ]
        return max(waits, default=0) / 1000

    def _taken(self, taken_ms: Times) -> Times:
        taken: Times = taken_ms[np.array(self._numbers, np.int64)]
        return taken


def longest_gap_ms(taken: Times, written: Times) -> int:
    """The longest time without a signal while an event waited.

    `taken` is when each signal's event came, `written` when the signal was.
    """
    if len(written) == 0:
        return 0
    order = np.argsort(written)
    taken, written = taken[order], written[order]
    # what was written now or later had come, at the earliest, by then
    earliest = np.minimum.accumulate(taken[::-1])[::-1]
    before = np.concatenate([earliest[:1], written[:-1]])
    return int(np.max(written - np.maximum(before, earliest)))


def recovery_ms(taken: Times, written: Times, killed: int) -> int:
    """The time from `killed` until the next signal, as far as an event waited; 0 if none did."""
    after = written > killed
    if not after.any():
        return 0
    return max(0, int(written[after].min()) - max(killed, int(taken[after].min())))
