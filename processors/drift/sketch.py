"""Histograms that add up: numbers in buckets of 1 percent width, for quantiles and comparisons.

DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019) without its limit on the number of buckets: what is counted
here has few thousand values. Flink fills the same buckets by the formula that `bucket` has.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RELATIVE_ERROR = 0.01
LOG_GAMMA = math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))  # 0.0200007
SMALLEST = 1e-9  # in size: less is nothing
OFFSET = 1037  # ceil(ln(1e9) / LOG_GAMMA): the bucket of SMALLEST is 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """How many numbers lie in each bucket, by the number of the bucket, in rising order."""

    counts: Mapping[int, int]

    @classmethod
    def of(cls, numbers: Iterable[float]) -> "Sketch":
        """The sketch of these numbers; those that are not finite are left out."""
        return cls.counted(Counter(bucket(one) for one in numbers if math.isfinite(one)))

    @classmethod
    def counted(cls, counts: Mapping[int, int]) -> "Sketch":
        """The sketch with these counts, in whatever order they come."""
        return cls(counts={number: counts[number] for number in sorted(counts) if counts[number]})

    @property
    def count(self) -> int:
        """Of all numbers."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float:
        """The number below which this share lies, within 1 percent of its size.

        NaN where the sketch is empty.
        """
        left = share * (self.count - 1)
        for number, count in self.counts.items():
            if left < count:
                return value(number)
            left -= count
        return value(max(self.counts)) if self.counts else math.nan

    def shares(self, edges: Sequence[float]) -> list[float]:
        """The shares of the numbers between the edges: one more than there are edges.

        A bucket counts where its middle lies; edges rise. All are 0 where the sketch is empty.
        """
        bins = [0] * (len(edges) + 1)
        for number, count in self.counts.items():
            middle = value(number)
            bins[sum(edge < middle for edge in edges)] += count
        return [one / self.count if self.count else 0.0 for one in bins]


def bucket(number: float) -> int:
    """The number of the bucket that a finite number lies in; its sign is that of the number."""
    size = abs(number)
    if size < SMALLEST:
        return 0
    return int(math.copysign(math.ceil(math.log(size) / LOG_GAMMA) + OFFSET, number))


def value(number: int) -> float:
    """The middle of a bucket, at most 1 percent from all that lies in it."""
    if number == 0:
        return 0.0
    upper = math.exp((abs(number) - OFFSET) * LOG_GAMMA)
    return math.copysign(upper * 2 / (1 + math.exp(LOG_GAMMA)), number)


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """One sketch of all their numbers: the same as if they had been counted together."""
    total: Counter[int] = Counter()
    for sketch in sketches:
        total.update(sketch.counts)
    return Sketch.counted(total)
