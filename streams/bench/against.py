"""Two results of the benchmark beside each other: what moved beyond noise.

The rule: a figure has moved when the ranges from the least to the most of its repeats do not meet,
and its medians lie further apart than `LEAST`. Where a row states no range (`details` without those
of `spread`, or a single repeat), it is taken to be `UNKNOWN` wide to both sides.

Ratios to the baseline of the same run can always be compared, values only between runs on the same
machine: elsewhere they are left out. Less is better where a row's goal is an upper limit, more
where it is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.table import Column
from rich.text import Text

from earmark.streams.bench.result import Result
from earmark.streams.bench.row import Row
from earmark.streams.fitting import Fitting, plain_table

LEAST = 0.03  # of the earlier figure
UNKNOWN = 0.10  # of the figure, where nothing is known of its noise
LISTED = 5  # rows that only one result has; more are counted
_STYLES = {"same": "dim", "better": "green", "worse": "bold red"}  # by verdict

Figure = Literal["value", "ratio"]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure before and after; `moved` and `better` by the rule of the module."""

    name: str
    figure: Figure
    unit: str
    before: float
    after: float
    moved: bool
    better: bool

    @property
    def verdict(self) -> str:
        """In a word."""
        return ("better" if self.better else "worse") if self.moved else "same"

    @property
    def factor(self) -> float:
        """After over before."""
        return self.after / self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All figures that both results have; `notes` say what else is different."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """Whether a figure got worse beyond noise."""
        return any(change.moved and not change.better for change in self.changes)

    def as_object(self) -> dict[str, object]:
        """The comparison for JSON."""
        return {
            "changes": [
                {
                    "name": change.name,
                    "figure": change.figure,
                    "before": change.before,
                    "after": change.after,
                    "factor": round(change.factor, 4),
                    "verdict": change.verdict,
                }
                for change in self.changes
            ],
            "notes": list(self.notes),
        }


def compared(before: Result, after: Result) -> Comparison:
    """What moved from one to the other."""
    figures: tuple[Figure, ...] = (
        ("value", "ratio") if before.identity == after.identity else ("ratio",)
    )
    changes = tuple(
        _change(old, new, figure)
        for new in after.rows
        if (old := before.row(new.name)) is not None and old.unit == new.unit
        for figure in figures
    )
    return Comparison(changes=changes, notes=tuple(_notes(before, after)))


def table(comparison: Comparison) -> Fitting:
    """The comparison as people read it, without units where it is narrow.

    What stayed the same is dim.
    """
    names = ("row", "figure", "before", "after", "factor", "")
    columns = [Column(it, justify="right" if it in names[2:5] else "left") for it in names]
    return Fitting(
        plain_table(columns, [_cells(it, it.unit) for it in comparison.changes]),
        plain_table(columns, [_cells(it, "value") for it in comparison.changes]),
    )


def _cells(change: Change, value: str) -> list[Text]:
    words = (
        change.name,
        "ratio" if change.figure == "ratio" else value,
        f"{change.before:,.4g}",
        f"{change.after:,.4g}",
        f"{change.factor:.3f}",
        change.verdict,
    )
    return [Text(word, style=_STYLES[change.verdict]) for word in words]


def _change(old: Row, new: Row, figure: Figure) -> Change:
    before, after = (_median(old, figure), _median(new, figure))
    (low, high), (new_low, new_high) = _range(old, figure), _range(new, figure)
    apart = new_low > high or new_high < low
    less_is_better = new.goal is not None and new.goal.op == "<="
    return Change(
        name=new.name,
        figure=figure,
        unit=new.unit,
        before=before,
        after=after,
        moved=apart and abs(after - before) > LEAST * abs(before),
        better=(after < before) is less_is_better,
    )


def _median(row: Row, figure: Figure) -> float:
    return row.value if figure == "value" else row.ratio


def _range(row: Row, figure: Figure) -> Range:
    """The least and the most of the repeats, the figure itself among them."""
    middle = _median(row, figure)
    low, high = (row.details.get(f"{figure}_{end}", middle) for end in ("min", "max"))
    if low == high:
        return middle - UNKNOWN * abs(middle), middle + UNKNOWN * abs(middle)
    return min(low, middle), max(high, middle)


def _notes(before: Result, after: Result) -> Iterator[str]:
    """What else differs, and what only one of the results has."""
    differing = [name for name, said in before.identity.items() if after.identity[name] != said]
    if differing:
        yield f"another machine ({', '.join(differing)}): ratios alone are compared"
    for part in ("versions", "settings"):
        old, new = (dict(each.machine.get(part, {})) for each in (before, after))
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield f"{part}: {name} {old.get(name)} -> {new.get(name)}"
    both = ((row, after.row(row.name)) for row in before.rows)
    yield from (
        f"{row.name} is in another unit now: {row.unit} -> {found.unit}"
        for row, found in both
        if found is not None and found.unit != row.unit
    )
    if gone := [row.name for row in before.rows if after.row(row.name) is None]:
        more = f" and {len(gone) - LISTED:,} more" if len(gone) > LISTED else ""
        yield f"measured before and not now: {', '.join(gone[:LISTED])}{more}"
