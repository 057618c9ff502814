"""Intervals by resampling, of groups where rows come from one source, and paired permutations.

Everything is drawn from a seed that its name gives: the same cases give the same intervals.

Shapes. N: cases, G: groups, R: resamples
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from earmark.streams.evaluation.measure import Measured
from earmark.streams.evaluation.metric import Codes, Values
from earmark.streams.report.statistic import CONFIDENCE, Interval, wilson

RESAMPLES = 1_000
PERMUTATIONS = 5_000
FEWEST_GROUPS = 15  # fewer groups say too little of how groups vary: then rows are drawn
LARGEST_GROUP = 0.25  # of all rows; likewise
_MISSING = 0.1  # of the resamples may have no value
_LEFT, _RIGHT = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Which group each case belongs to; `drawn` says in words what a resample draws."""

    group_N: Codes
    count: int
    drawn: str


def grouping(names: Sequence[str]) -> Grouping:
    """Groups by name, or every case by itself where the groups are too few or one too large."""
    _, group_N, sizes_G = np.unique(names, return_inverse=True, return_counts=True)
    few = len(sizes_G) < FEWEST_GROUPS or sizes_G.max(initial=0) > LARGEST_GROUP * len(names)
    if few or len(sizes_G) == len(names):
        return Grouping(group_N=np.arange(len(names)), count=len(names), drawn="rows")
    return Grouping(group_N=group_N.astype(np.int64), count=len(sizes_G), drawn="sources")


def intervals(
    measured: Measured, groups: Grouping, *, name: str, resamples: int = RESAMPLES
) -> Mapping[str, Interval | None]:
    """The percentile bootstrap interval of each metric (Efron 1979).

    A share of which no resample differs, as none of 37, gets Wilson's interval over its groups;
    for any other figure of which none differs there is no interval, since it would have no width.
    """
    random = np.random.default_rng(crc32(name.encode(errors="replace")))
    drawn: dict[str, list[float]] = {metric: [] for metric in measured.values}
    for _ in range(resamples if groups.count > 1 else 0):
        for metric, value in measured.metrics(_weights(groups, random)).items():
            drawn[metric].append(value)
    return {
        metric: _interval(np.array(values), measured, metric, groups)
        for metric, values in drawn.items()
    }


def _weights(groups: Grouping, random: np.random.Generator) -> Values:
    """How often each case is in a resample."""
    chosen = random.integers(0, groups.count, groups.count)
    weight_G = np.bincount(chosen, minlength=groups.count).astype(np.float64)
    return weight_G[groups.group_N]


def _interval(
    values_R: Values, measured: Measured, metric: str, groups: Grouping
) -> Interval | None:
    there_R = values_R[np.isfinite(values_R)]
    if len(there_R) < max(2, (1 - _MISSING) * len(values_R)):
        return None
    if there_R.min() == there_R.max():
        among_N = measured.shares.get(metric)
        of = 0 if among_N is None else len(np.unique(groups.group_N[among_N]))
        return wilson(round(float(there_R[0]) * of), of) if of else None
    low, high = np.quantile(there_R, [_LEFT, _RIGHT])
    return Interval(low=float(low), high=float(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A metric of two models on the same cases, and what lies between them (`a` minus `b`)."""

    a: float
    b: float
    interval: Interval | None


def differences(
    a: Measured, b: Measured, groups: Grouping, *, name: str, resamples: int = RESAMPLES
) -> Mapping[str, Difference]:
    """The paired bootstrap: both models are measured on the same resample of the same cases."""
    random = np.random.default_rng(crc32(name.encode(errors="replace")))
    shared = [metric for metric in a.values if metric in b.values]
    drawn: dict[str, list[float]] = {metric: [] for metric in shared}
    for _ in range(resamples if groups.count > 1 else 0):
        weight_N = _weights(groups, random)
        of_a, of_b = a.metrics(weight_N), b.metrics(weight_N)
        for metric in shared:
            drawn[metric].append(of_a[metric] - of_b[metric])
    return {
        metric: Difference(
            a=a.values[metric], b=b.values[metric], interval=_plain(np.array(drawn[metric]))
        )
        for metric in shared
    }


def _plain(values_R: Values) -> Interval | None:
    there_R = values_R[np.isfinite(values_R)]
    if len(there_R) < max(2, (1 - _MISSING) * len(values_R)):
        return None
    low, high = np.quantile(there_R, [_LEFT, _RIGHT])
    return Interval(low=float(low), high=float(high))


def sign_flip(
    difference_N: Values, groups: Grouping, *, name: str, permutations: int = PERMUTATIONS
) -> float:
    """How likely a mean difference as large is where either model could have been the other.

    The signs of whole groups are flipped at random (Fisher's paired permutation test, two-sided).
    """
    sums_G = np.bincount(groups.group_N, difference_N, groups.count)
    sums_G = sums_G[sums_G != 0]
    if not len(sums_G):
        return 1.0
    random = np.random.default_rng(crc32(name.encode(errors="replace")))
    seen = abs(float(sums_G.sum()))
    if 2 ** len(sums_G) <= permutations:
        signs_RG = _all_signs(len(sums_G))
        flips = np.abs(signs_RG @ sums_G)
        return float(np.mean(flips >= seen - 1e-12 * max(1.0, seen)))
    count = _at_least(
        seen,
        lambda rows: np.abs(random.choice([-1.0, 1.0], (rows, len(sums_G))) @ sums_G),
        permutations,
    )
    return (1 + count) / (1 + permutations)


def _all_signs(length: int) -> Values:
    bits = (np.arange(2**length)[:, None] >> np.arange(length)) & 1
    return np.asarray(1.0 - 2.0 * bits, np.float64)


def _at_least(seen: float, draw: Callable[[int], Values], permutations: int) -> int:
    """How many of the permutations are as large, some at a time."""
    count, at_once = 0, 500
    for done in range(0, permutations, at_once):
        drawn = draw(min(at_once, permutations - done))
        count += int(np.sum(drawn >= seen - 1e-12 * max(1.0, math.fabs(seen))))
    return count
