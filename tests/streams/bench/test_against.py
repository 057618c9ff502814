"""What moved between two results, and what did not."""

from dataclasses import replace

import pytest

from earmark.streams.bench.against import compared
from earmark.streams.bench.result import Result
from earmark.streams.bench.row import Goal, Row

ROW = Row(name="a", value=100.0, unit="x", baseline=50.0, against="b")
HERE = {"cpu": "a", "cores": 2, "versions": {"torch": "2.11"}}


def result(value: float, low: float, high: float, *, goal: Goal | None = None) -> Result:
    """A row whose ratio is as noisy as its value."""
    details = {"value_min": low, "value_max": high, "ratio_min": low / 50, "ratio_max": high / 50}
    return Result(machine=HERE, rows=[replace(ROW, value=value, details=details, goal=goal)])


def verdicts(before: Result, after: Result) -> dict[str, str]:
    return {change.figure: change.verdict for change in compared(before, after).changes}


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (result(94, 91, 96), "same"),  # the ranges meet
        (result(80, 78, 82), "worse"),
        (result(130, 120, 140), "better"),
        (result(97.5, 97, 98), "same"),  # under three parts in a hundred
    ],
)
def test_a_figure_moved_when_its_ranges_do_not_meet(after: Result, verdict: str) -> None:
    before = result(100, 98.5 if after.rows[0].value == 97.5 else 95, 105)
    assert verdicts(before, after) == {"value": verdict, "ratio": verdict}


def test_less_is_better_where_the_goal_is_an_upper_limit() -> None:
    goal = Goal(on="value", op="<=", x=200)
    assert verdicts(result(100, 99, 101), result(80, 79, 81, goal=goal))["value"] == "better"


def test_a_row_without_a_range_moves_by_more_than_its_unknown_noise() -> None:
    before, near, far = (
        Result(machine=HERE, rows=[replace(ROW, value=value)]) for value in (100.0, 85.0, 70.0)
    )
    assert verdicts(before, near)["value"] == "same"
    assert verdicts(before, far)["value"] == "worse"


def test_figures_of_another_machine_are_compared_by_ratios_alone() -> None:
    other = replace(result(80, 78, 82), machine=HERE | {"cpu": "faster"})
    comparison = compared(result(100, 99, 101), other)
    assert [change.figure for change in comparison.changes] == ["ratio"]
    assert "another machine (cpu)" in comparison.notes[0]
    assert comparison.is_worse


def test_what_else_differs_is_noted() -> None:
    before = result(100, 99, 101)
    before.rows.append(replace(ROW, name="gone"))
    after = replace(result(100, 99, 101), machine=HERE | {"versions": {"torch": "2.12"}})
    notes = compared(before, after).notes
    assert "versions: torch 2.11 -> 2.12" in notes
    assert "measured before and not now: gone" in notes
