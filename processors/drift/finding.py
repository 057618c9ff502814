"""What drifted: the counts of a group of signals against those of a reference, field by field."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b

from earmark.processors.drift.count import (
    LABEL,
    LATE,
    OUTCOME,
    REASON,
    WORD,
    Counts,
    FieldCount,
    Group,
)
from earmark.processors.drift.distance import (
    Distance,
    false_discoveries,
    kolmogorov_smirnov,
    numbers_stability,
    stability,
)

ID_BYTES = 16
SEPARATOR = "\x1f"
COUNTED_ONLY = (OUTCOME, REASON, LABEL, WORD)


class Measure(StrEnum):
    """The vocabulary of `measure` in alerts."""

    PSI = "psi"
    KS = "ks"
    MEAN_SHIFT = "mean_shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when on a distance is drift: its interval is above the limit, and chance is ruled out.

    `least` signals are needed on each side; groups with fewer are not compared.
    """

    psi: float = 0.1
    ks: float = 0.1
    mean_shift: float = 0.2
    p_value: float = 0.01  # after correction for the number of comparisons
    least: int = 50

    def of(self, measure: Measure) -> float:
        """The limit of one measure."""
        return float(getattr(self, measure.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time, from `start_ms` to before `end_ms`, in milliseconds since the epoch."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One comparison; `drifted` says whether it is an alert."""

    group: Group
    field: str
    measure: Measure
    distance: Distance
    limit: float
    reference_count: int
    count: int
    words: str
    drifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All findings, those that drifted first; `too_few` are groups that were not compared."""

    findings: tuple[Finding, ...]
    too_few: tuple[Group, ...] = field(default=())

    @property
    def drifted(self) -> tuple[Finding, ...]:
        """The findings that are alerts."""
        return tuple(finding for finding in self.findings if finding.drifted)


def compare(
    reference: Mapping[Group, Counts], current: Mapping[Group, Counts], limits: Limits
) -> Comparison:
    """Every group that both sides have, field by field.

    A model that came or went is no drift: its groups are on one side only and are left out.
    """
    both = sorted(set(reference) & set(current))
    few = [
        group
        for group in both
        if min(_signals(reference[group]), _signals(current[group])) < limits.least
    ]
    found = [
        finding
        for group in both
        if group not in few
        for finding in _of_group(group, reference[group], current[group], limits)
    ]
    return Comparison(findings=judged(found, limits), too_few=tuple(few))


def judged(findings: Iterable[Finding], limits: Limits) -> tuple[Finding, ...]:
    """The findings, each told whether it drifted, with p-values corrected for their number."""
    found = [one for one in findings if math.isfinite(one.distance.value)]
    p_values = [1.0 if one.distance.p_value is None else one.distance.p_value for one in found]
    corrected = [
        replace(
            one,
            distance=replace(one.distance, p_value=p_value),
            drifted=one.distance.low > one.limit and p_value < limits.p_value,
        )
        for one, p_value in zip(found, false_discoveries(p_values), strict=True)
    ]
    return tuple(
        sorted(
            corrected,
            key=lambda one: (
                not one.drifted,
                -one.distance.value / one.limit,
                one.group,
                one.field,
            ),
        )
    )


def alert_record(finding: Finding, reference: Span, window: Span) -> dict[str, object]:
    """The record of `signal.alerts.v1` for a finding that drifted."""
    group, distance = finding.group, finding.distance
    named = (group.signal, group.model, group.language, group.content_type)
    spans = (reference.start_ms, reference.end_ms, window.start_ms, window.end_ms)
    parts = SEPARATOR.join((*named, finding.field, finding.measure, *map(str, spans)))
    return {
        "alert_id": blake2b(parts.encode(), digest_size=ID_BYTES).hexdigest(),
        "signal": group.signal,
        "model": group.model,
        "language": group.language,
        "content_type": group.content_type,
        "field": finding.field,
        "measure": finding.measure.value,
        "value": distance.value,
        "low": distance.low,
        "high": distance.high,
        "limit": finding.limit,
        "p_value": distance.p_value,
        "reference_start": reference.start_ms,
        "reference_end": reference.end_ms,
        "window_start": window.start_ms,
        "window_end": window.end_ms,
        "reference_count": finding.reference_count,
        "count": finding.count,
        "words": finding.words,
    }


def _signals(counts: Counts) -> int:
    return sum(each.count for name, each in counts.items() if name.startswith(OUTCOME))


def _of_group(
    group: Group, reference: Counts, current: Counts, limits: Limits
) -> Iterator[Finding]:
    yield from _shares(group, reference, current, limits)
    names = sorted({*reference, *current})
    for name in (name for name in names if name != LATE and not name.startswith(COUNTED_ONLY)):
        before, after = (side.get(name, FieldCount()) for side in (reference, current))
        if min(before.sketch.count, after.sketch.count) < limits.least:
            continue
        seed = _seed(group, name)
        for measure, distance in (
            (Measure.PSI, numbers_stability(before.sketch, after.sketch, seed)),
            (Measure.KS, kolmogorov_smirnov(before.sketch, after.sketch, seed)),
        ):
            yield Finding(
                group=group,
                field=name,
                measure=measure,
                distance=distance,
                limit=limits.of(measure),
                reference_count=before.count,
                count=after.count,
                words=_moved(group, name, before, after),
            )


def _shares(group: Group, reference: Counts, current: Counts, limits: Limits) -> Iterator[Finding]:
    """The shares of the outcomes together, and of each label by itself among all signals."""
    totals = _signals(reference), _signals(current)
    outcomes = sorted(name for name in {*reference, *current} if name.startswith(OUTCOME))
    counted = [[_count(side, name) for name in outcomes] for side in (reference, current)]
    yield _share_finding(group, "outcome", counted, totals, limits)
    for name in sorted(name for name in {*reference, *current} if name.startswith((LABEL, WORD))):
        sides = [_count(side, name) for side in (reference, current)]
        pairs = [[count, max(total - count, 0)] for count, total in zip(sides, totals, strict=True)]
        yield _share_finding(group, name, pairs, totals, limits)


def _share_finding(
    group: Group, name: str, counts: Sequence[list[int]], totals: tuple[int, int], limits: Limits
) -> Finding:
    before, after = (100 * side[0] / total for side, total in zip(counts, totals, strict=True))
    words = (
        f"the outcomes of {group.signal} are shared out otherwise than they were"
        if name == "outcome"
        else f"{name} of {group.signal} was on {before:.1f} % of signals, now on {after:.1f} %"
    )
    return Finding(
        group=group,
        field=name,
        measure=Measure.PSI,
        distance=stability(counts[0], counts[1], _seed(group, name)),
        limit=limits.psi,
        reference_count=totals[0],
        count=totals[1],
        words=words,
    )


def _count(side: Counts, name: str) -> int:
    return side[name].count if name in side else 0


def _moved(group: Group, name: str, before: FieldCount, after: FieldCount) -> str:
    was, now = before.sketch.quantile(0.5), after.sketch.quantile(0.5)
    how = "moved up" if now > was else "moved down" if now < was else "changed its spread"
    return f"{name} of {group.signal} has {how}: its median was {was:.3g}, now {now:.3g}"


def _seed(group: Group, name: str) -> int:
    parts = SEPARATOR.join((group.signal, group.model, group.language, group.content_type, name))
    return int.from_bytes(blake2b(parts.encode(), digest_size=4).digest())
