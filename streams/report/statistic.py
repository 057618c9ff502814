"""The statistics that reports state: intervals, tests, shifts and histograms.

Everything is the same for the same numbers in the same order: what is drawn at random has a seed.

Shapes. N: values, G: groups of values, R: resamples
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 2_000
GROUPS = 2_000  # up to so many values each is drawn by itself
BINS = 24
_Z = 1.959963984540054  # of the normal distribution, two-sided at CONFIDENCE
_DRAWN = 1_000_000  # indices held at once

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a quantity lies, with a confidence of `CONFIDENCE`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of how many, with Wilson's interval; `value` is in [0, 1], None of nothing."""

    count: int
    of: int
    value: float | None
    interval: Interval | None

    @classmethod
    def counted(cls, count: int, of: int) -> "Share":
        """The share `count` of `of`."""
        if not of:
            return cls(count=count, of=of, value=None, interval=None)
        return cls(count=count, of=of, value=count / of, interval=wilson(count, of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts between edges, of which there is one more; the last bin holds its upper edge too."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def wilson(count: int, of: int) -> Interval:
    """The interval of the share `count` of `of`, which is at least 1 (Wilson 1927)."""
    share, z2 = count / of, _Z * _Z
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return Interval(
        low=max(0.0, centre - half) if count else 0.0,
        high=min(1.0, centre + half) if count < of else 1.0,
    )


def mcnemar(gained: int, lost: int) -> float:
    """How likely flips so one-sided, or more, are where both directions are equally likely.

    The exact two-sided p of McNemar's test: twice the tail of a binomial distribution with 1/2.
    """
    few, flips = min(gained, lost), gained + lost
    if not flips:
        return 1.0
    # the terms of the tail as multiples of the largest, which is the last
    tail, term, k = 1.0, 1.0, few
    while k and term > tail * 1e-17:
        term *= k / (flips - k + 1)
        tail += term
        k -= 1
    largest = math.lgamma(flips + 1) - math.lgamma(few + 1) - math.lgamma(flips - few + 1)
    return min(1.0, 2 * math.exp(largest - flips * math.log(2) + math.log(tail)))


def mean_interval(values_N: Values, *, name: str) -> Interval | None:
    """The percentile bootstrap interval of the mean (Efron 1979); None for less than two values.

    `RESAMPLES` resamples. More than `GROUPS` values are shuffled into as many groups, and groups
    are drawn: the mean varies as before, and a million values take no longer than two thousand.
    `name` seeds what is drawn, so that no quantity depends on what else a report is about.
    """
    if len(values_N) < 2:  # noqa: PLR2004  # one value does not vary
        return None
    random = np.random.default_rng(crc32(name.encode(errors="replace")))
    sums_G, sizes_G = _grouped(values_N, random)
    means_R = np.concatenate(
        [
            sums_G[drawn_RG].sum(axis=1) / sizes_G[drawn_RG].sum(axis=1)
            for drawn_RG in _draws(len(sums_G), random)
        ]
    )
    low, high = np.quantile(means_R, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(low=float(low), high=float(high))


def standardized_shift(before_N: Values, after_N: Values) -> float | None:
    """The difference of the means in standard deviations (the root of their mean variance).

    None where neither side varies, and so a shift has no scale.
    """
    if not len(before_N):
        return None
    deviation = math.sqrt((np.var(before_N) + np.var(after_N)) / 2)
    shift = float(np.mean(after_N) - np.mean(before_N))
    # equal values differ by rounding, those that a model gave by that of single precision
    scale = max(abs(float(np.mean(before_N))), abs(float(np.mean(after_N))))
    return None if deviation <= scale * 1e-7 else shift / deviation


def histograms(*sides: Values) -> tuple[Histogram, ...]:
    """One histogram for each side, under the same edges; nothing where there are no values.

    Whole numbers get bins that are whole, probabilities such that go from 0 to 1.
    """
    every = np.concatenate(sides)
    if not len(every):
        return ()
    edges = _edges(every)
    return tuple(
        Histogram(edges=tuple(edges.tolist()), counts=tuple(np.histogram(side, edges)[0].tolist()))
        for side in sides
    )


def centred_histogram(values_N: Values) -> Histogram | None:
    """A histogram with as many bins below zero as above, and one around it.

    Whole numbers get bins around multiples of a whole number. None where all values are zero.
    """
    widest = float(np.max(np.abs(values_N), initial=0.0))
    if not widest:
        return None
    bins = BINS - 1  # an odd number
    # the largest values are not at an edge, but in the middle of the outer bins
    width = 2 * widest / (bins - 1)
    if np.all(values_N == np.round(values_N)):
        width = math.ceil(width)
        bins = 2 * math.ceil(widest / width) + 1
    edges = width * (np.arange(bins + 1) - bins / 2)
    counts = np.histogram(values_N, edges)[0].tolist()
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts))


def _edges(values_N: Values) -> Values:
    low, high = float(values_N.min()), float(values_N.max())
    if np.all(values_N == np.round(values_N)):
        width = max(1, math.ceil((high - low + 1) / BINS))
        bins = math.floor((high - low) / width) + 1
        return np.float64(low - 0.5) + width * np.arange(bins + 1, dtype=np.float64)
    if low >= 0 and 1 / 2 <= high <= 1:
        return np.linspace(0, 1, BINS + 1)
    margin = 0.0 if high > low else abs(low) / 100
    return np.linspace(low - margin, high + margin, BINS + 1)


def _grouped(values_N: Values, random: np.random.Generator) -> tuple[Values, Values]:
    """The sum and the size of each group."""
    if len(values_N) <= GROUPS:
        return values_N, np.ones_like(values_N)
    group_N = np.arange(len(values_N)) % GROUPS
    sums_G = np.bincount(group_N, random.permutation(values_N), GROUPS).astype(np.float64)
    return sums_G, np.bincount(group_N, minlength=GROUPS).astype(np.float64)


def _draws(groups: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Which groups each resample holds, some resamples at a time."""
    at_once = max(1, _DRAWN // groups)
    for done in range(0, RESAMPLES, at_once):
        yield random.integers(0, groups, (min(at_once, RESAMPLES - done), groups))
