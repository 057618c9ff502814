"""The page of `earmark bench --report`: rows with their goals, and the plots, also as PNG files."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from earmark.streams.bench.against import Comparison, compared
from earmark.streams.bench.result import Result
from earmark.streams.bench.row import Row, written
from earmark.streams.bench.series import Series
from earmark.streams.report.page import (
    Column,
    Html,
    element,
    figure,
    figures,
    html,
    page,
    section,
    table,
    terms,
)

PAGE = "index.html"
FILE = "result.json"
MET = {True: "met", False: "missed", None: ""}

_ROWS = (
    Column(heading="row"),
    Column(heading="ours", is_number=True),
    Column(heading="unit"),
    Column(heading="baseline", is_number=True),
    Column(heading="ratio", is_number=True),
    Column(heading="least to most", is_number=True),
    Column(heading="goal"),
    Column(heading=""),
    Column(heading="baseline is"),
)
_CHANGES = (
    Column(heading="row"),
    Column(heading="figure"),
    Column(heading="before", is_number=True),
    Column(heading="after", is_number=True),
    Column(heading="factor", is_number=True),
    Column(heading=""),
)


def write_report(result: Result, folder: Path, *, before: Result | None = None) -> Path:
    """Write page, plots and the result itself to the folder; where the page is."""
    from earmark.streams.bench.chart import png

    folder.mkdir(parents=True, exist_ok=True)
    for name, series in _drawings(result):
        png(series, folder / f"{name}.png")
    result.write(folder / FILE)
    path = folder / PAGE
    path.write_text(report_page(result, before=before), encoding="utf-8")
    return path


def report_page(result: Result, *, before: Result | None = None) -> str:
    """The page alone."""
    from earmark.streams.bench.chart import svg

    plots = [figure(series.title, svg(series, name)) for name, series in _drawings(result)]
    left = [*result.skipped.items(), *result.failed.items()]
    return page(
        "Earmark's benchmark",
        element("h1", "Benchmark"),
        element("p", result.here),
        element("p", _summary(result)),
        section("Rows", table(_ROWS, map(_row, result.rows)), anchor="rows"),
        section("Not measured", terms(left), anchor="left") if left else Html(),
        _changed(compared(before, result)) if before is not None else Html(),
        section("Plots", figures(*plots), anchor="plots") if plots else Html(),
        section("Details", terms(_details(result.rows)), anchor="details"),
        section("Made with", terms(_made_with(result)), anchor="made"),
    )


def _drawings(result: Result) -> Iterator[tuple[str, Series]]:
    """What is drawn, by the name of its file."""
    if reached := {
        row.name: [(share,)] for row in result.rows if (share := row.reached) is not None
    }:
        yield (
            "goals",
            Series(kind="bars", title="Goals: 1 is reached", x="", y="", lines=reached),
        )
    for row in result.rows:
        for number, series in enumerate(row.series):
            yield f"{re.sub('[^a-z0-9_.]+', '-', row.name).strip('-')}-{number}", series


def _summary(result: Result) -> str:
    judged = [row.met for row in result.rows if row.met is not None]
    said = f"{len(result.rows)} rows; {sum(judged)} of {len(judged)} goals are met."
    return f"{said} Skipped: {len(result.skipped)}, failed: {len(result.failed)}."


def _row(row: Row) -> Sequence[object]:
    low, high = (row.details.get(f"value_{end}") for end in ("min", "max"))
    met = MET[row.met]
    return (
        row.name,
        written(row.value),
        row.unit,
        written(row.baseline),
        f"{row.ratio:.2f}",
        f"{written(low)} to {written(high)}" if low is not None and high is not None else "",
        str(row.goal or ""),
        element("strong", met, class_="before" if row.met else "after") if met else "",
        row.against,
    )


def _changed(comparison: Comparison) -> Html:
    rows = (
        (
            change.name,
            change.figure,
            written(change.before),
            written(change.after),
            f"{change.factor:.3f}",
            change.verdict,
        )
        for change in comparison.changes
    )
    notes = element("ul", *(element("li", note) for note in comparison.notes))
    return section("Against the earlier result", table(_CHANGES, rows), notes, anchor="against")


def _details(rows: Sequence[Row]) -> Iterator[tuple[object, object]]:
    for row in rows:
        if row.details:
            figures_of = (f"{name} {written(figure)}" for name, figure in row.details.items())
            yield row.name, ", ".join(figures_of)


def _made_with(result: Result) -> Iterator[tuple[object, object]]:
    yield "at", html(result.machine.get("measured_at", ""))
    for part in ("versions", "settings"):
        for name, said in dict(result.machine.get(part, {})).items():
            yield name, str(said)
