"""Measures: cases of one task in, metrics with all that intervals, slices and lists need of them.

Each measure is a function of cases. What was not answered counts in `coverage` and in the metrics
called `..._of_all`; the others are about the answered.

Shapes. N: cases
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from earmark.streams.evaluation.case import Case
from earmark.streams.evaluation.metric import (
    Flags,
    Values,
    area_under_curve,
    average_precision,
    curve,
    f1,
    macro_f1,
    mean,
    ranks,
    share,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """What a published probability was, and whether what it was given to came true."""

    probability_N: Values
    came_true_N: Flags
    among_N: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The metrics of some cases as a function of the cases' weights.

    `loss_N` over `size_N` is what slices, models and items are compared by, the smaller the better;
    a case without an answer has size 0. `order_N` breaks ties among losses for the worst items.
    `shares` names the metrics that are shares, with the cases that they are shares of. `lines`
    says for each case what was true and what was answered. `roc` is false alarm rate and recall
    at falling thresholds, empty where there is none to choose.
    """

    metrics: Callable[[Values], Mapping[str, float]]
    loss: str
    loss_N: Values
    size_N: Values
    order_N: Values
    lines: Sequence[tuple[str, str]]
    shares: Mapping[str, Flags] = field(default_factory=dict)
    confidence: Confidence | None = None
    roc: Sequence[tuple[float, float]] = ()

    @property
    def values(self) -> Mapping[str, float]:
        """The metrics of the cases as they are."""
        return self.metrics(np.ones(len(self.loss_N)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A yes or no at the shipped threshold, with the score it came from."""

    score: float
    positive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several, with its probability where one is published."""

    label: str
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a text or of time, and what stands there."""

    kind: str
    start: int
    end: int


def detection(cases: Sequence[Case]) -> Measured:
    """Truth is a bool, the answer a `Judgement`."""
    given_N = _answered(cases)
    truth_N = np.array([bool(case.truth) for case in cases], bool)
    score_N = np.array([case.answer.score if case.answer else 0.0 for case in cases], float)
    said_N = np.array([bool(case.answer and case.answer.positive) for case in cases], bool)
    everything_N = np.ones(len(cases), bool)
    rank_N = ranks(score_N)
    shares = {
        "accuracy": given_N,
        "precision": said_N,
        "recall": truth_N & given_N,
        "false_alarm_rate": ~truth_N & given_N,
        "recall_of_all": truth_N,
        "coverage": everything_N,
    }
    hits = {
        "accuracy": said_N == truth_N,
        "precision": truth_N,
        "recall": said_N,
        "false_alarm_rate": said_N,
        "recall_of_all": said_N,
        "coverage": given_N,
    }

    def metrics(weight_N: Values) -> dict[str, float]:
        kept_N = weight_N * given_N
        found = {name: share(hits[name], among, weight_N) for name, among in shares.items()}
        return {
            "auc": area_under_curve(truth_N, rank_N, kept_N),
            "average_precision": average_precision(truth_N, rank_N, kept_N),
            "f1": f1(found["precision"], found["recall"]),
            **found,
        }

    return Measured(
        metrics=metrics,
        loss="error at the shipped threshold",
        loss_N=(given_N & (said_N != truth_N)).astype(np.float64),
        size_N=given_N.astype(np.float64),
        order_N=np.where(truth_N, -score_N, score_N),
        lines=[(_yes(case.truth), _judged(case)) for case in cases],
        shares=shares,
        confidence=Confidence(probability_N=score_N, came_true_N=truth_N, among_N=given_N),
        roc=curve(truth_N, rank_N, given_N.astype(np.float64)),
    )


def classification(cases: Sequence[Case]) -> Measured:
    """Truth is a label, the answer a `Choice`."""
    given_N = _answered(cases)
    names = sorted(
        {str(case.truth) for case in cases} | {c.answer.label for c in cases if c.answer}
    )
    code = {name: at for at, name in enumerate(names)}
    truth_N = np.array([code[str(case.truth)] for case in cases], np.int64)
    said_N = np.array(
        [code[case.answer.label] if case.answer else -1 for case in cases], dtype=np.int64
    )
    right_N = truth_N == said_N
    stated = [case.answer.probability if case.answer else None for case in cases]
    probability_N = np.array([math.nan if p is None else p for p in stated], float)
    everything_N = np.ones(len(cases), bool)
    shares = {"accuracy": given_N, "accuracy_of_all": everything_N, "coverage": everything_N}

    def metrics(weight_N: Values) -> dict[str, float]:
        kept_N = weight_N[given_N]
        return {
            "accuracy": share(right_N, given_N, weight_N),
            "macro_f1": macro_f1(truth_N[given_N], said_N[given_N], len(names), kept_N),
            "balanced_accuracy": _balanced(truth_N[given_N], right_N[given_N], len(names), kept_N),
            "accuracy_of_all": share(right_N, everything_N, weight_N),
            "coverage": share(given_N, everything_N, weight_N),
        }

    has_N = given_N & np.isfinite(probability_N)
    confidence = Confidence(probability_N=probability_N, came_true_N=right_N, among_N=has_N)
    return Measured(
        metrics=metrics,
        loss="error",
        loss_N=(given_N & ~right_N).astype(np.float64),
        size_N=given_N.astype(np.float64),
        order_N=np.nan_to_num(probability_N),
        lines=[(str(case.truth), _chosen(case)) for case in cases],
        shares=shares,
        confidence=confidence if has_N.any() else None,
    )


def occurrence(cases: Sequence[Case]) -> Measured:
    """How often something happens that is wanted: truth is any, the answer a bool."""
    given_N = _answered(cases)
    hit_N = np.array([bool(case.answer) for case in cases], bool)
    everything_N = np.ones(len(cases), bool)
    shares = {"rate": given_N, "coverage": everything_N}

    def metrics(weight_N: Values) -> dict[str, float]:
        return {
            "rate": share(hit_N, given_N, weight_N),
            "coverage": share(given_N, everything_N, weight_N),
        }

    return Measured(
        metrics=metrics,
        loss="share that it does not hold of",
        loss_N=(given_N & ~hit_N).astype(np.float64),
        size_N=given_N.astype(np.float64),
        order_N=np.zeros(len(cases)),
        lines=[(_short(case.truth), _yes_or_none(case.answer)) for case in cases],
        shares=shares,
    )


def quantity(*, within: float, unit: str = "") -> Callable[[Sequence[Case]], Measured]:
    """Truth and answer are numbers; `within` is how far apart they may be to agree."""

    def measure(cases: Sequence[Case]) -> Measured:
        given_N = _answered(cases)
        truth_N = np.array([float(case.truth) for case in cases], float)
        said_N = np.array(
            [math.nan if case.answer is None else float(case.answer) for case in cases], float
        )
        apart_N = np.where(given_N, said_N - truth_N, 0.0)
        near_N = given_N & (np.abs(apart_N) <= within)
        size_N = given_N.astype(np.float64)
        everything_N = np.ones(len(cases), bool)

        def metrics(weight_N: Values) -> dict[str, float]:
            return {
                "mae": mean(np.abs(apart_N), size_N, weight_N),
                "bias": mean(apart_N, size_N, weight_N),
                "largest_error": _largest(np.abs(apart_N), given_N, weight_N),
                "within": share(near_N, given_N, weight_N),
                "coverage": share(given_N, everything_N, weight_N),
            }

        return Measured(
            metrics=metrics,
            loss="absolute error",
            loss_N=np.abs(apart_N),
            size_N=size_N,
            order_N=np.abs(apart_N),
            lines=[(f"{case.truth:g}{unit}", _number(case.answer, unit)) for case in cases],
            shares={"within": given_N, "coverage": everything_N},
        )

    return measure


def _answered(cases: Sequence[Case]) -> Flags:
    return np.array([case.answer is not None for case in cases], bool)


def _balanced(truth_N: Any, right_N: Flags, classes: int, weight_N: Values) -> float:
    """The mean of the classes' recall."""
    true_C = np.bincount(truth_N, weight_N, classes)
    hits_C = np.bincount(truth_N, weight_N * right_N, classes)
    there_C = true_C > 0
    return float(np.mean(hits_C[there_C] / true_C[there_C])) if there_C.any() else math.nan


def _largest(value_N: Values, given_N: Flags, weight_N: Values) -> float:
    there_N = given_N & (weight_N > 0)
    return float(value_N[there_N].max()) if there_N.any() else math.nan


def _yes(truth: object) -> str:
    return "yes" if truth else "no"


def _yes_or_none(answer: object) -> str:
    return "-" if answer is None else _yes(answer)


def _number(answer: float | None, unit: str) -> str:
    return "-" if answer is None else f"{answer:.6g}{unit}"


def _judged(case: Case) -> str:
    if case.answer is None:
        return case.outcome
    return f"{_yes(case.answer.positive)} {case.answer.score:.3f}"


def _chosen(case: Case) -> str:
    if case.answer is None:
        return case.outcome
    stated = case.answer.probability
    return str(case.answer.label) if stated is None else f"{case.answer.label} {stated:.2f}"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else text[:159] + "…"  # noqa: PLR2004  two lines of a table
