"""A row of the benchmark: a figure of ours, the same figure of a baseline, and the goal for it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from earmark.streams.bench.series import Series

if TYPE_CHECKING:
    from earmark.streams.fitting import Fitting

SPREAD = (
    *("value_min", "value_max", "baseline_min", "baseline_max"),
    *("ratio_min", "ratio_median", "ratio_max"),
)
SHOWN = 2  # other figures in the line of a row; JSON and the page of a report have all
DIGITS = 4  # significant ones that are reported; repetitions differ in the second or third


class Unmeasured(Exception):  # noqa: N818  # no error: the row says why there is no figure
    """Raised by a row that cannot be measured here: the row is skipped, for this reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the `value` or the `ratio` of a row should be: at least, or at most, `x`."""

    on: Literal["value", "ratio"]
    op: Literal[">=", "<="]
    x: float

    def __str__(self) -> str:
        return f"{self.on} {self.op} {self.x:,g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`value` is ours and `baseline` that of what `against` names, both in `unit`.

    `details` are other figures of the same run, each named with its unit where it is another one;
    those of `spread` say how far the repeats lie apart. `series` are drawn on the page of a report.
    """

    name: str
    value: float
    unit: str
    baseline: float
    against: str
    goal: Goal | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    series: Sequence[Series] = ()

    def __str__(self) -> str:
        goal = {True: ", goal met", False: ", goal missed", None: ""}[self.met]
        others = [f"{name} {written(x)}" for name, x in self.details.items() if name not in SPREAD]
        details = ", ".join(others[:SHOWN])
        return (
            f"{written(self.value)} {self.unit}{self._between('value')}, {self.ratio:.2f}"
            f"{self._between('ratio')} of {written(self.baseline)} by {self.against}"
            f"{goal}{details and f' ({details})'}"
        )

    def _between(self, figure: str) -> str:
        """How far its repeats lie apart, in brackets; nothing where that is not known."""
        ends = [self.details.get(f"{figure}_{end}") for end in ("min", "max")]
        least, most = (None if end is None else written(end) for end in ends)
        return f" ({least}..{most})" if least is not None and least != most else ""

    @property
    def ratio(self) -> float:
        """Ours over the baseline: above 1 is better, but for memory, where below 1 is."""
        return self.value / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        figure = self.value if self.goal.on == "value" else self.ratio
        return figure >= self.goal.x if self.goal.op == ">=" else figure <= self.goal.x

    @property
    def reached(self) -> float | None:
        """How far the goal is reached, 1 and more where it is met; None without one."""
        if self.goal is None:
            return None
        figure = self.value if self.goal.on == "value" else self.ratio
        return figure / self.goal.x if self.goal.op == ">=" else self.goal.x / figure

    def as_object(self) -> dict[str, object]:
        """The row for JSON; `details` and `series` only where there are some."""
        row: dict[str, object] = {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "baseline": _rounded(self.baseline),
            "ratio": _rounded(self.ratio),
            "goal": asdict(self.goal) if self.goal else None,
            "met": self.met,
        }
        details = {name: _rounded(figure) for name, figure in self.details.items()}
        if details:
            row["details"] = details
        if self.series:
            row["series"] = [each.as_object() for each in self.series]
        return row


def restored(row: Mapping[str, Any], *, against: str) -> Row:
    """The row of which `as_object` made this, and what its baseline is."""
    return Row(
        name=row["name"],
        value=row["value"],
        unit=row["unit"],
        baseline=row["baseline"],
        against=against,
        goal=Goal(**row["goal"]) if row["goal"] else None,
        details=row.get("details", {}),
        series=[Series(**each) for each in row.get("series", ())],
    )


def row_of_turns(
    name: str,
    ours: Sequence[float],
    baseline: Sequence[float],
    *,
    unit: str,
    against: str,
    goal: Goal | None = None,
    details: Mapping[str, float] = MappingProxyType({}),
    series: Sequence[Series] = (),
) -> Row:
    """The row of figures that were measured in turns: their medians, their `spread` in front."""
    return Row(
        name=name,
        value=statistics.median(ours),
        unit=unit,
        baseline=statistics.median(baseline),
        against=against,
        goal=goal,
        details={**spread(ours, baseline), **details},
        series=series,
    )


def spread(ours: Sequence[float], baseline: Sequence[float]) -> dict[str, float]:
    """Least and most of figures that were measured in turns, and their ratios, turn by turn."""
    ratios = [mine / theirs for mine, theirs in zip(ours, baseline, strict=True)]
    ends = (min(ours), max(ours), min(baseline), max(baseline))
    found = (*ends, min(ratios), statistics.median(ratios), max(ratios))
    return dict(zip(SPREAD, found, strict=True))


def table(rows: Sequence[Row]) -> "Fitting":
    """The rows as people read them; where it is narrow, baseline and goal stand below each."""
    from rich.table import Column  # here: rows are measured where it is not installed

    from earmark.streams.fitting import Fitting, detailed_table, plain_table

    names = ("row", "ours", "ratio", "met", "unit", "baseline", "goal", "baseline is")
    right = {"ours", "baseline", "ratio"}
    columns = [Column(it, justify="right" if it in right else "left", no_wrap=True) for it in names]
    return Fitting(
        plain_table(columns, [(*_judged(row), *_explained(row)) for row in rows]),
        detailed_table(columns[:4], [(_judged(row), _below(row)) for row in rows]),
    )


def _judged(row: Row) -> tuple[str, str, str, str]:
    met = {True: "yes", False: "no", None: ""}[row.met]
    return row.name, written(row.value), f"{row.ratio:.2f}", met


def _explained(row: Row) -> tuple[str, str, str, str]:
    return row.unit, written(row.baseline), str(row.goal or ""), row.against


def _below(row: Row) -> str:
    unit, baseline, goal, against = _explained(row)
    return f"{unit}; {baseline} by {against}{goal and f'; goal {goal}'}"


def _rounded(figure: float) -> float:
    return float(f"{figure:.{DIGITS}g}")


def written(figure: float) -> str:
    """A figure for people, three digits of it at least."""
    return f"{_rounded(figure):,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"  # noqa: PLR2004  # three digits say enough
