"""What is counted of signals in a window of time, field by field, so that counts add up.

Flink counts the same in SQL, into `signal.stats.v1`; what stands here reads it back, and counts
signals where there is no Flink.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from earmark.processors.drift.sketch import Sketch, bucket, merged
from earmark.processors.profile import ProfileSignal

UNDETERMINED = "und"  # BCP-47 for a language that is not known
OUTCOME, REASON, LABEL, WORD = "outcome.", "reason.", "label.", "word."
LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Group:
    """Signals that are counted together: one signal, model, language and content type."""

    signal: str
    model: str
    language: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCount:
    """How often a field was there; with its numbers' sums and sketch unless it is counted only."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0  # the sum of squared distances from the mean
    sketch: Sketch = field(default_factory=lambda: Sketch(counts={}))

    @property
    def mean(self) -> float:
        """Of the numbers, NaN where there are none."""
        return self.total / self.sketch.count if self.sketch.count else math.nan

    @property
    def deviation(self) -> float:
        """Their standard deviation, that of a sample; NaN below two."""
        return (
            math.sqrt(self.squares / (self.sketch.count - 1))
            if self.sketch.count > 1
            else (math.nan)
        )


Counts = Mapping[str, FieldCount]  # by field


def fields_of(signal: ProfileSignal) -> Iterator[tuple[str, float | None]]:
    """What is counted of one signal: fields, with their number or None where they only count."""
    yield f"{OUTCOME}{signal.outcome}", None
    if signal.reason is not None:
        yield f"{REASON}{signal.reason}", None
    yield from ((f"{LABEL}{label}", None) for label in signal.labels)
    yield from ((f"{WORD}{name}.{word}", None) for name, word in signal.words.items())
    yield from ((name, number) for name, number in signal.numbers.items() if math.isfinite(number))


def group_of(signal: ProfileSignal, content_type: str) -> Group:
    """The group that the signal of an item of this content type is counted in."""
    return Group(
        signal=signal.signal,
        model=signal.model,
        language=signal.language or UNDETERMINED,
        content_type=content_type,
    )


class Counter:
    """Counts signals one by one; memory grows with fields and buckets, not with signals."""

    def __init__(self) -> None:
        self._fields: dict[str, _Running] = {}

    def add(self, signal: ProfileSignal) -> None:
        """Count one more."""
        for name, number in fields_of(signal):
            self._fields.setdefault(name, _Running()).add(number)

    def counts(self) -> dict[str, FieldCount]:
        """What has been counted, by field, sorted."""
        return {name: self._fields[name].counted() for name in sorted(self._fields)}


class _Running:
    """Welford's running mean and squares ("Note on a method for calculating corrected sums of
    squares and products", Technometrics 1962), which lose no digits to large means."""

    def __init__(self) -> None:
        self.count = self.numbers = 0
        self.mean = self.squares = 0.0
        self.buckets: dict[int, int] = {}

    def add(self, number: float | None) -> None:
        self.count += 1
        if number is None:
            return
        self.numbers += 1
        off = number - self.mean
        self.mean += off / self.numbers
        self.squares += off * (number - self.mean)
        place = bucket(number)
        self.buckets[place] = self.buckets.get(place, 0) + 1

    def counted(self) -> FieldCount:
        return FieldCount(
            count=self.count,
            total=self.mean * self.numbers,
            squares=self.squares,
            sketch=Sketch.counted(self.buckets),
        )


def added(parts: Iterable[FieldCount]) -> FieldCount:
    """Windows put together: the same as if all had been counted in one (Chan et al. 1979)."""
    parts = list(parts)
    total, numbers = sum(part.total for part in parts), sum(part.sketch.count for part in parts)
    mean = total / numbers if numbers else 0.0
    between = (part.sketch.count * (part.mean - mean) ** 2 for part in parts if part.sketch.count)
    return FieldCount(
        count=sum(part.count for part in parts),
        total=total,
        squares=sum(part.squares for part in parts) + sum(between),
        sketch=merged(part.sketch for part in parts),
    )


def field_count_of(record: Mapping[str, Any]) -> FieldCount:
    """What a record of `signal.stats.v1` holds."""
    buckets = {each["bucket"]: each["count"] for each in record["histogram"]}
    sketch = Sketch.counted(buckets)
    deviation = record["deviation"] or 0.0
    return FieldCount(
        count=record["count"],
        total=(record["mean"] or 0.0) * sketch.count,
        squares=deviation**2 * max(sketch.count - 1, 0),
        sketch=sketch,
    )
