"""How well annotators agree with each other, and with the model.

Krippendorff's alpha is 1 - observed / expected disagreement over all pairs of values given to the
same unit (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section E). It takes
any number of annotators, units that not all of them judged, and values that are names (nominal),
ranks (ordinal) or numbers (interval). 1 is perfect agreement, 0 what chance gives.

Shapes. V: values in order, U: units, N: answers, R: resamples
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 1_000
CONFIDENCE = 0.95

Floats = npt.NDArray[np.float64]
_FEWEST = 0.9  # of the resamples must have a value, for an interval


class Level(StrEnum):
    """What values are: how far two of them are apart."""

    NOMINAL = "NOMINAL"  # the same or not
    ORDINAL = "ORDINAL"  # by how many answers lie between them
    INTERVAL = "INTERVAL"  # by the square of their difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval; None where the answers do not say.

    `answers` is how many it rests on, and `effective` how many equally weighted ones would tell as
    much (Kish 1965).
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    answers: int = 0
    effective: float = 0.0


def alpha(units: Sequence[Sequence[Any]], level: Level = Level.NOMINAL) -> float | None:
    """Krippendorff's alpha of units, each the values that annotators gave it.

    Units with less than two values have no part in it. None where fewer than two values are left,
    or all are the same: then there is nothing to agree about.
    """
    values, counts_UV = _counts(units, level)
    return _alpha(counts_UV, _distances(values, counts_UV, level))


def alpha_estimate(
    units: Sequence[Sequence[Any]], level: Level = Level.NOMINAL, *, seed: int = 0
) -> Estimate:
    """Alpha with the percentile bootstrap interval over units (Efron 1979)."""
    values, counts_UV = _counts(units, level)

    def of(chosen: npt.NDArray[np.int64]) -> float | None:
        drawn_UV = counts_UV[chosen]
        return _alpha(drawn_UV, _distances(values, drawn_UV, level))

    low, high = _interval(len(counts_UV), of, seed)
    whole = _alpha(counts_UV, _distances(values, counts_UV, level))
    answers = int(counts_UV.sum())
    return Estimate(value=whole, low=low, high=high, answers=answers, effective=float(answers))


def share_estimate(answers: Sequence[tuple[float, float]], *, seed: int = 0) -> Estimate:
    """The mean of values over the population that answers were drawn from, with its interval.

    Each answer is its value (1 where the human agrees with the model, 0 where not) and the chance
    that it was drawn with. Hajek's ratio: each counts as often as there are items like it, 1 over
    its chance. The interval is the percentile bootstrap over answers.
    """
    value_N = np.array([value for value, _ in answers], np.float64)
    weight_N = np.array([1.0 / chance for _, chance in answers], np.float64)

    def of(chosen: npt.NDArray[np.int64]) -> float | None:
        return float(np.average(value_N[chosen], weights=weight_N[chosen]))

    if not answers:
        return Estimate(value=None)
    low, high = _interval(len(answers), of, seed)
    return Estimate(
        value=float(np.average(value_N, weights=weight_N)),
        low=low,
        high=high,
        answers=len(answers),
        effective=float(weight_N.sum() ** 2 / (weight_N**2).sum()),
    )


def _counts(units: Sequence[Sequence[Any]], level: Level) -> tuple[Sequence[Any], Floats]:
    """The values in order, and how often each unit was given each; units with pairs only."""
    paired = [unit for unit in units if len(unit) > 1]
    given: set[Hashable] = {value for unit in paired for value in unit}
    key: Callable[[Any], Any] = str if level == Level.NOMINAL else float
    values = sorted(given, key=key)
    place: Mapping[Any, int] = {value: at for at, value in enumerate(values)}
    counts_UV = np.zeros((len(paired), len(values)))
    for row, unit in enumerate(paired):
        for value in unit:
            counts_UV[row, place[value]] += 1
    return values, counts_UV


def _distances(values: Sequence[Any], counts_UV: Floats, level: Level) -> Floats:
    """The squared difference of each two values, in the order of `values`."""
    if level == Level.NOMINAL:
        return 1.0 - np.eye(len(values))
    if level == Level.INTERVAL:
        number_V = np.array([float(value) for value in values])
        return np.asarray((number_V[:, None] - number_V[None, :]) ** 2)
    total_V = counts_UV.sum(axis=0)
    middle_V = np.cumsum(total_V) - total_V / 2  # all below it and half of its own
    return np.asarray((middle_V[:, None] - middle_V[None, :]) ** 2)


def _alpha(counts_UV: Floats, distance_VV: Floats) -> float | None:
    """1 - D_o / D_e by the coincidences of values within units."""
    if not counts_UV.size:
        return None
    given_U = counts_UV.sum(axis=1)
    weighted_UV = counts_UV / (given_U - 1)[:, None]
    coincidence_VV = weighted_UV.T @ counts_UV - np.diag(weighted_UV.sum(axis=0))
    total_V = coincidence_VV.sum(axis=1)
    observed = float((coincidence_VV * distance_VV).sum())
    expected = float((np.outer(total_V, total_V) * distance_VV).sum()) / (total_V.sum() - 1)
    return 1.0 - observed / expected if expected > 0 else None


def _interval(
    count: int, of: Callable[[npt.NDArray[np.int64]], float | None], seed: int
) -> tuple[float | None, float | None]:
    random = np.random.default_rng(seed)
    drawn = [of(random.integers(0, count, count)) for _ in range(RESAMPLES if count > 1 else 0)]
    there_R = np.array([value for value in drawn if value is not None and math.isfinite(value)])
    if len(there_R) < max(2, _FEWEST * len(drawn)):
        return None, None
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(there_R, [edge, 1 - edge])
    return float(low), float(high)
