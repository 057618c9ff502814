"""How long events waited: all times are the broker's own, in milliseconds since the epoch."""

import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


def now_ms() -> int:
    """The time on this machine, which is the broker's too."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one moment to another."""

    begun_ms: int
    ended_ms: int

    def overlap_ms(self, other: "Span") -> int:
        """How much of it lies within the other."""
        begun_ms, ended_ms = (
            max(self.begun_ms, other.begun_ms),
            min(self.ended_ms, other.ended_ms),
        )
        return max(0, ended_ms - begun_ms)


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

    def recovery_s(
        self, taken_ms: Times, moments_ms: Iterable[int], away: Sequence[Span] = ()
    ) -> float:
        """The longest time from one of the moments until a partition with work went on.

        It is taken over all partitions: those that wait after a kill are the killed worker's. The
        time that the broker was `away` is not counted.
        """
        taken, written = self._taken(taken_ms), np.array(self._written_ms, np.int64)
        partitions = np.array(self._partitions, np.int64)
        moments = list(moments_ms)
        waits = [
            recovery_ms(taken[here], written[here], moment, away)
            for here in (partitions == number for number in np.unique(partitions))
            for moment in moments
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


def recovery_ms(taken: Times, written: Times, moment: int, away: Sequence[Span] = ()) -> int:
    """The time from `moment` until the next signal, as far as an event waited; 0 if none did.

    Without the time that the broker was `away`.
    """
    after = written > moment
    if not after.any():
        return 0
    begun_ms, ended_ms = max(moment, int(taken[after].min())), int(written[after].min())
    if ended_ms <= begun_ms:
        return 0
    wait = Span(begun_ms=begun_ms, ended_ms=ended_ms)
    return max(0, ended_ms - begun_ms - sum(wait.overlap_ms(span) for span in away))
