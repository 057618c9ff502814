"""How far two samples are apart, with an interval, and the chance of it if nothing had changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.processors.drift.sketch import Sketch

BINS = 10  # of equal shares of the reference
DRAWS = 400  # of the bootstrap, and of the permutation
LEVEL = 0.95
PRIOR = 0.5  # added to each bin: one that is empty on one side is not infinitely far (Jeffreys)

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """A distance with its 95 percent interval, and its p-value where there is one."""

    value: float
    low: float
    high: float
    p_value: float | None = None


def stability(reference_B: Sequence[int], current_B: Sequence[int], seed: int = 0) -> Distance:
    """The population stability index of two counts over the same bins.

    The sum over bins of (c - r) ln(c / r), where r and c are the shares (Siddiqi, Credit Risk
    Scorecards, 2006); usually below 0.1 is called little and above 0.25 much. What mere chance
    adds, (bins - 1)(1/n + 1/m), is taken off, and the p-value is that of its chi-squared
    distribution (Yurdakul, Statistical Properties of Population Stability Index, 2018). NaN where
    one side is empty.
    """
    from scipy.stats import chi2

    first, second = np.asarray(reference_B, np.int64), np.asarray(current_B, np.int64)
    bins, noise = len(first), 0.0
    if not first.sum() or not second.sum():
        return Distance(value=math.nan, low=math.nan, high=math.nan)
    noise = 1 / int(first.sum()) + 1 / int(second.sum())
    value = _index(first, second)
    drawn = [_index(*pair) - value for pair in _resampled(first, second, seed)]
    low, high = _interval(value, drawn)
    chance = (bins - 1) * noise
    return Distance(
        value=max(0.0, value - chance),
        low=max(0.0, low - chance),
        high=max(0.0, high - chance),
        p_value=float(chi2.sf(value / noise, bins - 1)) if bins > 1 else 1.0,
    )


def numbers_stability(reference: Sketch, current: Sketch, seed: int = 0) -> Distance:
    """The population stability index of two sketches over the deciles of the reference."""
    return stability(*over_deciles(reference, current), seed)


def over_deciles(reference: Sketch, current: Sketch) -> tuple[list[int], list[int]]:
    """Counts between the deciles of the reference; where many values are equal there are fewer."""
    deciles = {reference.quantile(step / BINS) for step in range(1, BINS)}
    edges = sorted(edge for edge in deciles if math.isfinite(edge))
    shares = (sketch.shares(edges) for sketch in (reference, current))
    counts = [
        [round(share * of.count) for share in each]
        for each, of in zip(shares, (reference, current), strict=True)
    ]
    kept = [at for at in range(len(edges) + 1) if counts[0][at] or counts[1][at]]
    first, second = ([side[at] for at in kept] for side in counts)
    return first, second


def kolmogorov_smirnov(reference: Sketch, current: Sketch, seed: int = 0) -> Distance:
    """The largest difference of the two distribution functions, in [0, 1].

    Its p-value is the asymptotic one of the two-sample test (Smirnov 1939), which errs to the safe
    side for values in buckets. NaN where one side is empty.
    """
    from scipy.stats import kstwobign

    places = sorted({*reference.counts, *current.counts})
    first, second = (
        np.array([sketch.counts.get(place, 0) for place in places], np.int64)
        for sketch in (reference, current)
    )
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return Distance(value=math.nan, low=math.nan, high=math.nan)
    value = _largest(first, second)
    drawn = [_largest(*pair) - value for pair in _resampled(first, second, seed)]
    low, high = _interval(value, drawn)
    p_value = float(kstwobign.sf(value * math.sqrt(n * m / (n + m))))
    return Distance(value=value, low=max(0.0, low), high=min(1.0, high), p_value=p_value)


def mean_shift(
    reference_ND: NDArray[np.float32], current_MD: NDArray[np.float32], seed: int = 0
) -> Distance:
    """How far the means of two sets of vectors are apart, in units of the vectors' spread.

    The square root of the squared distance of the means, less what chance adds to it, over the mean
    squared distance of vectors from their own mean. Its p-value is that of a permutation test
    (Good, Permutation Tests, 2000). NaN where a side has fewer than two vectors.
    """
    n, m = len(reference_ND), len(current_MD)
    if min(n, m) < 2:  # noqa: PLR2004  # a spread needs two
        return Distance(value=math.nan, low=math.nan, high=math.nan)
    all_ND = np.concatenate([reference_ND, current_MD]).astype(np.float64)
    random = np.random.default_rng(seed)
    value = _shift(all_ND[:n], all_ND[n:])
    drawn = [
        _shift(all_ND[:n][random.integers(0, n, n)], all_ND[n:][random.integers(0, m, m)]) - value
        for _ in range(DRAWS)
    ]
    by_chance = [
        _shift(all_ND[order[:n]], all_ND[order[n:]])
        for order in (random.permutation(n + m) for _ in range(DRAWS))
    ]
    low, high = _interval(value, drawn)
    beyond = sum(one >= value for one in by_chance)
    return Distance(
        value=max(0.0, value),
        low=max(0.0, low),
        high=max(0.0, high),
        p_value=(beyond + 1) / (DRAWS + 1),
    )


def false_discoveries(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Benjamini and Hochberg 1995), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    corrected, least = [1.0] * len(p_values), 1.0
    for rank, at in zip(range(len(p_values), 0, -1), order, strict=True):
        least = min(least, p_values[at] * len(p_values) / rank)
        corrected[at] = least
    return corrected


def _index(first: Counts, second: Counts) -> float:
    r, c = ((side + PRIOR) / (side.sum() + PRIOR * len(side)) for side in (first, second))
    return float(np.sum((c - r) * np.log(c / r)))


def _largest(first: Counts, second: Counts) -> float:
    steps = np.cumsum(first) / first.sum() - np.cumsum(second) / second.sum()
    return float(np.abs(steps).max())


def _shift(first_ND: NDArray[np.float64], second_MD: NDArray[np.float64]) -> float:
    """The standardised distance; negative where the means are nearer than chance would have it."""
    spreads = [side.var(axis=0, ddof=1).sum() for side in (first_ND, second_MD)]
    apart = np.square(first_ND.mean(axis=0) - second_MD.mean(axis=0)).sum()
    beyond = apart - spreads[0] / len(first_ND) - spreads[1] / len(second_MD)
    spread = float(np.mean(spreads)) or 1.0
    return float(np.sign(beyond) * math.sqrt(abs(beyond) / spread))


def _resampled(first: Counts, second: Counts, seed: int) -> list[tuple[Counts, Counts]]:
    random = np.random.default_rng(seed)
    draws = [random.multinomial(side.sum(), side / side.sum(), DRAWS) for side in (first, second)]
    return list(zip(*draws, strict=True))


def _interval(value: float, errors: Sequence[float]) -> tuple[float, float]:
    """The basic bootstrap interval: what resampling adds to a distance, the sample added too."""
    low, high = np.quantile(errors, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return value - float(high), value - float(low)
