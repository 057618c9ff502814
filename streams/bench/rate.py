"""Rates, measured side by side: how much of its work each of two does in a second."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something to be timed; `run` gets `amount` done, in whatever the rate is to count.

    `prepare` comes before each run, outside of the time.
    """

    run: Callable[[], object]
    amount: float
    prepare: Callable[[], object] = bool  # which does nothing


def rates(
    ours: Work, baseline: Work, *, repetitions: int, clock: Clock = time.perf_counter
) -> tuple[list[float], list[float]]:
    """The amount per second of each, turn by turn, over the seconds that `timed` finds."""
    mine, theirs = timed(ours, baseline, repetitions=repetitions, clock=clock)
    return [ours.amount / each for each in mine], [baseline.amount / each for each in theirs]


def timed(
    ours: Work, baseline: Work, *, repetitions: int, clock: Clock = time.perf_counter
) -> tuple[list[float], list[float]]:
    """The seconds that each of `repetitions` runs of either took.

    The two take turns, so that what else the machine does meets both, and each runs once before
    it counts. With `time.process_time` as `clock`, seconds are those that a core was ours: for
    work that is done on one core, what else runs there does not matter then.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for repetition in range(repetitions + 1):
        for times, work in zip(seconds, (ours, baseline), strict=True):
            work.prepare()
            begin = clock()
            work.run()
            elapsed = clock() - begin
            if repetition:
                times.append(elapsed)
    return seconds


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let torch compute on so many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
