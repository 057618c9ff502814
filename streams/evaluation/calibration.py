"""Whether a published probability is what it says, and what a simple refit would make of it.

The expected calibration error is the mean distance, bin by bin, between the probability and how
often it came true (Naeini et al. 2015). Few cases leave a distance even to a perfect probability,
so what such a one would show beside it is simulated. Refits (temperature: Guo et al. 2017;
isotonic: Zadrozny and Elkan 2002) are fitted on one half of the groups, measured on the other.

Shapes. N: cases
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from earmark.streams.evaluation.measure import Confidence
from earmark.streams.evaluation.metric import Flags, Values

BINS = 10
SIMULATIONS = 300
FEWEST = 40  # cases in either half, for a refit to say anything
_MARGIN = 1e-6  # log odds of 0 and 1 are not finite
_LOG_TEMPERATURE = (-2.3, 2.3)  # a tenth to tenfold
_GOLDEN = (math.sqrt(5) - 1) / 2
_CLOSE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The cases whose probability is in one tenth: their mean of it, and how often it held."""

    count: int
    probability: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """How a probability would stand if it were put through a fitted curve, on cases held out.

    `method` NONE is the published probability on the same cases. `brier` is the mean square error.
    """

    method: str
    error: float
    brier: float
    bins: Sequence[Bin]
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`error` over all `n` cases; `if_perfect` is what chance leaves, the 95th percentile."""

    n: int
    error: float
    if_perfect: float
    bins: Sequence[Bin]
    fitted_on: int = 0
    refits: Sequence[Refit] = ()


def calibration(confidence: Confidence, groups: Sequence[str]) -> Calibration | None:
    """The calibration of the cases that have a probability; None of too few.

    Groups never lie in both halves: refits are not measured on the sources they were fitted on.
    """
    among_N = confidence.among_N
    p_N, true_N = confidence.probability_N[among_N], confidence.came_true_N[among_N]
    if len(p_N) < FEWEST:
        return None
    names = [name for name, is_in in zip(groups, among_N.tolist(), strict=True) if is_in]
    fit_N = _half(names)
    fitted_on = int(fit_N.sum())
    return Calibration(
        n=len(p_N),
        error=calibration_error(p_N, true_N),
        if_perfect=_if_perfect(p_N),
        bins=bins(p_N, true_N),
        fitted_on=fitted_on,
        refits=_refits(p_N, true_N, fit_N),
    )


def calibration_error(probability_N: Values, true_N: Flags) -> float:
    """The expected calibration error over `BINS` bins of equal width."""
    number_N = _bin(probability_N)
    apart = np.bincount(number_N, probability_N - true_N, BINS)
    return float(np.abs(apart).sum() / len(probability_N))


def bins(probability_N: Values, true_N: Flags) -> Sequence[Bin]:
    """The bins that hold cases, by rising probability."""
    number_N = _bin(probability_N)
    found = []
    for number in np.unique(number_N):
        in_N = number_N == number
        found.append(
            Bin(
                count=int(in_N.sum()),
                probability=float(probability_N[in_N].mean()),
                share=float(true_N[in_N].mean()),
            )
        )
    return tuple(found)


def _bin(probability_N: Values) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.clip((probability_N * BINS).astype(np.int64), 0, BINS - 1)


def _if_perfect(probability_N: Values) -> float:
    random = np.random.default_rng(17)
    errors = [
        calibration_error(probability_N, random.random(len(probability_N)) < probability_N)
        for _ in range(SIMULATIONS)
    ]
    return float(np.quantile(errors, 0.95))


def _half(names: Sequence[str]) -> Flags:
    """About half of the cases, whole groups: by the order of the groups' digests."""
    groups = sorted(set(names), key=lambda name: (crc32(name.encode(errors="replace")), name))
    if len(groups) < 10:  # noqa: PLR2004  so few may all be of one truth: halve the cases
        return np.array([number % 2 == 0 for number in range(len(names))])
    chosen = set(groups[::2])
    return np.array([name in chosen for name in names])


def _refits(p_N: Values, true_N: Flags, fit_N: Flags) -> Sequence[Refit]:
    halves = (true_N[fit_N], true_N[~fit_N])
    if any(len(half) < FEWEST or half.all() or not half.any() for half in halves):
        return ()
    temperature = fitted_temperature(p_N[fit_N], true_N[fit_N])
    isotonic = _isotonic(p_N[fit_N], true_N[fit_N])
    held_N, held_true_N = p_N[~fit_N], true_N[~fit_N]
    return (
        _refit("NONE", held_N, held_true_N),
        _refit("TEMPERATURE", tempered(held_N, temperature), held_true_N, temperature),
        _refit("ISOTONIC", isotonic(held_N), held_true_N),
    )


def _refit(method: str, p_N: Values, true_N: Flags, temperature: float | None = None) -> Refit:
    return Refit(
        method=method,
        error=calibration_error(p_N, true_N),
        brier=float(np.mean((p_N - true_N) ** 2)),
        bins=bins(p_N, true_N),
        temperature=temperature,
    )


def tempered(probability_N: Values, temperature: float) -> Values:
    """The probability whose log odds are those of this one over the temperature."""
    clear_N = np.clip(probability_N, _MARGIN, 1 - _MARGIN)
    odds_N = np.log(clear_N / (1 - clear_N)) / temperature
    return np.asarray(1 / (1 + np.exp(-odds_N)), np.float64)


def fitted_temperature(probability_N: Values, true_N: Flags) -> float:
    """The temperature under which what came true was likeliest."""

    def surprise(log_temperature: float) -> float:
        p_N = np.clip(tempered(probability_N, float(np.exp(log_temperature))), _MARGIN, 1 - _MARGIN)
        return -float(np.mean(np.where(true_N, np.log(p_N), np.log1p(-p_N))))

    return math.exp(_lowest(surprise, *_LOG_TEMPERATURE))


def _lowest(height: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest (golden-section search, Kiefer 1953)."""
    while high - low > _CLOSE:
        width = _GOLDEN * (high - low)
        left, right = high - width, low + width
        low, high = (low, right) if height(left) < height(right) else (left, high)
    return (low + high) / 2


def _isotonic(probability_N: Values, true_N: Flags) -> Callable[[Values], Values]:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    curve.fit(probability_N, true_N.astype(np.float64))
    return lambda p_N: np.asarray(curve.predict(p_N), np.float64)
