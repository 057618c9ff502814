"""Tempo: right within four per cent, and right but for an octave."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earmark.streams.evaluation.case import Case
from earmark.streams.evaluation.measure import Confidence, Measured
from earmark.streams.evaluation.metric import Values, mean, share

TOLERANCE = 0.04  # of the tempo (Gouyon et al. 2006, An Experimental Comparison of Audio Tempo ...)
_OCTAVES = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """A tempo, and how probable it is that it is right but for an octave."""

    bpm: float
    probability: float | None = None


def tempo(cases: Sequence[Case]) -> Measured:
    """Truth is beats per minute, the answer a `Tempo`."""
    given_N = np.array([case.answer is not None for case in cases], bool)
    ratio_N = np.array([(c.answer.bpm if c.answer else 0.0) / c.truth for c in cases], float)
    stated = [case.answer.probability if case.answer else None for case in cases]
    probability_N = np.array([math.nan if p is None else p for p in stated], float)
    has_N = given_N & np.isfinite(probability_N)
    exact_N = given_N & (np.abs(ratio_N - 1) <= TOLERANCE)
    near_N = given_N & np.array([_is_near(it) for it in ratio_N], bool)
    everything_N = np.ones(len(cases), bool)
    size_N = given_N.astype(np.float64)
    apart_N = np.abs(ratio_N - 1) * given_N

    def metrics(weight_N: Values) -> dict[str, float]:
        return {
            "within_octave": share(near_N, given_N, weight_N),
            "within": share(exact_N, given_N, weight_N),
            "relative_error": mean(apart_N, size_N, weight_N),
            "within_octave_of_all": share(near_N, everything_N, weight_N),
            "coverage": share(given_N, everything_N, weight_N),
        }

    return Measured(
        metrics=metrics,
        loss="not within an octave",
        loss_N=(given_N & ~near_N).astype(np.float64),
        size_N=size_N,
        order_N=apart_N,
        lines=[
            (f"{case.truth:g}", "-" if case.answer is None else f"{case.answer.bpm:.2f}")
            for case in cases
        ],
        shares={
            "within_octave": given_N,
            "within": given_N,
            "within_octave_of_all": everything_N,
            "coverage": everything_N,
        },
        confidence=Confidence(probability_N=probability_N, came_true_N=near_N, among_N=has_N),
    )


def _is_near(ratio: float) -> bool:
    return any(abs(ratio / octave - 1) <= TOLERANCE for octave in _OCTAVES)
