"""What a row of the benchmark says of its figures."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

from earmark.streams.bench.row import Goal, Row, row_of_turns, spread, table
from earmark.streams.bench.series import Series

LINE = Series(kind="line", title="t", x="s", y="x", lines={"ours": [(1.0, 2.0)]})
ROW = Row(name="decode", value=1_200.0, unit="x", baseline=400.0, against="another")


def test_ratio_is_ours_over_the_baseline():
    assert ROW.ratio == 3.0


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (None, None),
        (Goal(on="value", op=">=", x=1_200), True),
        (Goal(on="value", op=">=", x=1_201), False),
        (Goal(on="value", op="<=", x=300), False),
        (Goal(on="ratio", op=">=", x=2), True),
        (Goal(on="ratio", op="<=", x=3), True),
    ],
)
def test_goal_is_compared_with_the_figure_it_is_on(goal, met):
    assert replace(ROW, goal=goal).met is met


def test_json_has_the_fields_of_the_contract():
    row = replace(ROW, value=1234.56, goal=Goal(on="value", op=">=", x=1_000))
    assert json.loads(json.dumps(row.as_object())) == {
        "name": "decode",
        "value": 1235.0,
        "unit": "x",
        "baseline": 400.0,
        "ratio": 3.086,
        "goal": {"on": "value", "op": ">=", "x": 1_000},
        "met": True,
    }


def test_details_are_in_the_json_of_a_row_that_has_some():
    row = replace(ROW, details={"events_per_transaction": 1 / 3})
    assert row.as_object()["details"] == {"events_per_transaction": 0.3333}
    assert "events_per_transaction 0.333" in str(row)


def test_spread_has_the_ratios_of_what_was_measured_side_by_side():
    figures = spread([10.0, 30.0, 20.0], [10.0, 60.0, 10.0])
    assert (figures["value_min"], figures["baseline_max"]) == (10.0, 60.0)
    assert [figures[f"ratio_{name}"] for name in ("min", "median", "max")] == [0.5, 1.0, 2.0]


def test_a_row_of_turns_has_their_medians_and_their_spread_before_other_details():
    ours, baseline = [10.0, 30.0, 20.0], [10.0, 60.0, 15.0]
    said = {"unit": "x", "against": "another", "goal": Goal(on="ratio", op=">=", x=1)}
    row = row_of_turns("decode", ours, baseline, details={"files": 4.0}, series=[LINE], **said)
    assert (row.name, row.value, row.baseline, row.met) == ("decode", 20.0, 15.0, True)
    assert list(row.details.items()) == [*spread(ours, baseline).items(), ("files", 4.0)]
    assert (row.unit, row.against, row.series) == ("x", "another", [LINE])


def test_table_shows_each_row_with_its_baseline():
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table([ROW]))
    assert shown.get().splitlines()[1].split() == ["decode", "1,200", "3.00", "x", "400", "another"]


def test_on_80_columns_a_row_has_its_whole_name_and_two_lines():
    goal = Goal(on="ratio", op=">=", x=2)
    name = "transcript.long-recordings.whisper-tiny.en"
    row = replace(ROW, name=name, unit="events/s by two workers", goal=goal)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(table([row]))
    _, judged, below = shown.get().splitlines()
    assert judged.split() == [name, "1,200", "3.00", "yes"]
    assert below.split("; ") == [
        "  events/s by two workers",
        "400 by another",
        "goal ratio >= 2",
    ]


def test_a_line_has_the_spread_beside_its_figures_and_only_some_others():
    others = {"files": 4.0, "cores": 2.0, "clips": 9.0}
    row = row_of_turns(
        "decode", [10.0, 30.0, 20.0], [10.0, 60.0, 15.0], unit="x", against="it", details=others
    )
    assert str(row) == "20 x (10..30), 1.33 (0.5..1.33) of 15 by it (files 4, cores 2)"


def test_a_goal_is_judged_before_the_figure_is_rounded():
    row = replace(ROW, value=999.96, goal=Goal(on="value", op=">=", x=1_000))
    assert row.as_object()["value"] == 1_000.0
    assert row.met is False


def test_the_table_says_whether_the_goal_is_met():
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table([replace(ROW, goal=Goal(on="ratio", op=">=", x=x)) for x in (2, 4)]))
    words = shown.get().split()
    assert words.count("yes") == words.count("no") == 1
