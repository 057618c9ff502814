"""Which numbers of a signal lie near the threshold that decides about them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from earmark.models.error import ConfigurationError
from earmark.processors.profile import ProfileSignal
from earmark.processors.review.option import Doubt
from earmark.processors.threshold import Thresholds, label_limit, shipped_thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A number near its threshold; `label` is what it is the score of, "" where it has no name."""

    field: str
    label: str
    score: float
    threshold: float
    closeness: float  # 0 at the margin, 1 at the threshold


def near(
    signal: ProfileSignal, doubt: Doubt, thresholds: Mapping[str, Thresholds]
) -> Sequence[Near]:
    """The numbers that lie within the margin, the nearest first.

    `thresholds` are those in place of shipped ones, by signal. Raises ConfigurationError where the
    doubt names a threshold that the signal does not have.
    """
    own = thresholds.get(signal.signal) or shipped_thresholds(signal.signal)
    found = _near(signal, doubt, own)
    return sorted(found, key=lambda each: (-each.closeness, each.field))


def distance(score: float, threshold: float, unit: str) -> float:
    """How far a score is from its threshold, in score or logit units; infinite from 0 and 1."""
    if unit == "logit":
        return abs(_logit(score) - _logit(threshold))
    return abs(score - threshold)


def _near(signal: ProfileSignal, doubt: Doubt, thresholds: Thresholds) -> Iterator[Near]:
    for name, score in signal.numbers.items():
        if not fnmatchcase(name, doubt.field):
            continue
        label = name.partition(".")[2]
        threshold = _threshold(label, doubt, thresholds)
        away = distance(score, threshold, doubt.unit)
        if away <= doubt.margin:
            yield Near(
                field=name,
                label=label,
                score=score,
                threshold=threshold,
                closeness=1.0 - away / doubt.margin if doubt.margin else 1.0,
            )


def _threshold(label: str, doubt: Doubt, thresholds: Thresholds) -> float:
    stated = doubt.threshold
    if isinstance(stated, int | float):
        return float(stated)
    try:
        return label_limit(label, thresholds) if stated is None else thresholds[stated]
    except KeyError as error:
        raise ConfigurationError(
            f"review: {doubt.signal} has no threshold {error.args[0]!r} for {doubt.field}"
        ) from error


def _logit(probability: float) -> float:
    if not 0.0 < probability < 1.0:
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability / (1.0 - probability))
