"""The page of a benchmark and its plots."""

import json
from dataclasses import replace
from pathlib import Path

from earmark.streams.bench.report import report_page, write_report
from earmark.streams.bench.result import Result
from earmark.streams.bench.row import Goal, Row
from earmark.streams.bench.series import Series

MACHINE = {
    **{"cpu": "AMD", "cores": 2, "memory_gb": 8.0, "device": "cpu", "precision": "fp32"},
    **{"system": "Linux", "python": "3.11", "torch": "2.11", "load": 0.5},
    **{"measured_at": "2026-11-26", "versions": {"av": "18.1"}, "settings": {"quick": True}},
}
SERIES = (
    Series(kind="line", title="by size", x="s", y="x", lines={"<ours>": [(1, 2.0), (60, 3.0)]}),
    Series(kind="bars", title="padding", x="", y="share", lines={"a": [(0.7,)], "b": [(0.1,)]}),
    Series(kind="spans", title="stages", x="s", y="", lines={"decode": [(0, 1), (2, 3)]}),
)
GOAL = Goal(on="ratio", op=">=", x=3)
ROW = Row(name="worker[music]", value=4.0, unit="x", baseline=2.0, against="<one>", goal=GOAL)


def result() -> Result:
    rows = [replace(ROW, series=SERIES, details={"value_min": 3.5, "value_max": 4.5})]
    return Result(machine=MACHINE, rows=rows, skipped={"music_on_gpu": "needs a GPU"})


def test_the_page_says_what_was_reached_and_what_was_left() -> None:
    shown = report_page(result())
    assert "0 of 1 goals are met" in shown
    assert ">missed<" in shown
    assert "3.5 to 4.5" in shown
    assert "needs a GPU" in shown
    assert "&lt;one&gt;" in shown
    assert "<one>" not in shown


def test_each_series_is_on_the_page_and_in_a_file(tmp_path: Path) -> None:
    page = write_report(result(), tmp_path)
    assert page.read_text().count("<svg ") == 1 + len(SERIES)
    names = ["goals.png", *(f"worker-music-{number}.png" for number in range(3))]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))
    assert json.loads((tmp_path / "result.json").read_text())["rows"][0]["name"] == "worker[music]"


def test_the_same_result_gives_the_same_page() -> None:
    assert report_page(result()) == report_page(result())


def test_the_page_shows_what_moved() -> None:
    before = Result(machine=MACHINE, rows=[replace(ROW, value=40.0)])
    assert ">worse<" in report_page(result(), before=before)
