"""The metrics, each of cases with weights: a resample is the same cases with other weights.

What has no value, such as the area under a curve where all are alike, is nan.

Shapes. N: cases, U: different scores, C: classes
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]
POINTS = 100  # of a curve: more cannot be told apart where it is drawn


def ratio(over: float, under: float) -> float:
    """The quotient, nan of nothing."""
    return float(over / under) if under else math.nan


def ranks(score_N: Values) -> Codes:
    """For each score how many different scores are below it: what curves need of scores."""
    return np.unique(score_N, return_inverse=True)[1].astype(np.int64)


def area_under_curve(truth_N: Flags, rank_N: Codes, weight_N: Values) -> float:
    """How often a positive case scores above a negative one; ties count half (Hanley 1982)."""
    positive_U, negative_U = _by_rank(truth_N, rank_N, weight_N)
    below_U = np.cumsum(negative_U) - negative_U
    wins = float(positive_U @ (below_U + negative_U / 2))
    return ratio(wins, float(positive_U.sum() * negative_U.sum()))


def curve(truth_N: Flags, rank_N: Codes, weight_N: Values) -> Sequence[tuple[float, float]]:
    """The curve that `area_under_curve` is the area under: false alarm rate and recall.

    From the highest threshold to the lowest, at most some `POINTS` of it, the ends among them;
    none where one of the truths is missing.
    """
    positive_U, negative_U = _by_rank(truth_N, rank_N, weight_N)
    if not (positive_U.any() and negative_U.any()):
        return ()
    found_U, alarms_U = (
        np.concatenate(([0.0], np.cumsum(each_U[::-1]) / each_U.sum()))
        for each_U in (positive_U, negative_U)
    )
    passed_U = found_U + alarms_U  # rises from 0 to 2
    kept = np.unique(np.searchsorted(passed_U, np.linspace(0, passed_U[-1], POINTS)))
    return tuple(zip(alarms_U[kept].tolist(), found_U[kept].tolist(), strict=True))


def average_precision(truth_N: Flags, rank_N: Codes, weight_N: Values) -> float:
    """Precision at each threshold, weighted by what recall gains there; no interpolation."""
    positive_U, negative_U = _by_rank(truth_N, rank_N, weight_N)
    found_U = np.cumsum(positive_U[::-1])
    shown_U = found_U + np.cumsum(negative_U[::-1])
    precision_U = np.divide(found_U, shown_U, out=np.zeros_like(found_U), where=shown_U > 0)
    return ratio(float(precision_U @ positive_U[::-1]), float(positive_U.sum()))


def share(hit_N: Flags, among_N: Flags, weight_N: Values) -> float:
    """The share of hits among the cases of `among_N`."""
    return ratio(float(weight_N @ (hit_N & among_N)), float(weight_N @ among_N))


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 where either is, nan where there is nothing to find."""
    if math.isnan(recall):
        return math.nan
    if math.isnan(precision) or not precision + recall:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def macro_f1(truth_N: Codes, said_N: Codes, classes: int, weight_N: Values) -> float:
    """The mean of the classes' F1, over classes that the truth has."""
    hits_C = np.bincount(truth_N, weight_N * (truth_N == said_N), classes)
    true_C = np.bincount(truth_N, weight_N, classes)
    said_C = np.bincount(said_N, weight_N, classes)
    there_C = true_C > 0
    if not there_C.any():
        return math.nan
    return float(np.mean(2 * hits_C[there_C] / (true_C + said_C)[there_C]))


def mean(value_N: Values, size_N: Values, weight_N: Values) -> float:
    """The sum of the values over the sum of the sizes."""
    return ratio(float(weight_N @ value_N), float(weight_N @ size_N))


def _by_rank(truth_N: Flags, rank_N: Codes, weight_N: Values) -> tuple[Values, Values]:
    """The weight of positive and of negative cases at each score."""
    length = int(rank_N.max(initial=-1)) + 1
    positive_U = np.bincount(rank_N, weight_N * truth_N, length)
    negative_U = np.bincount(rank_N, weight_N * ~truth_N, length)
    return positive_U.astype(np.float64), negative_U.astype(np.float64)
