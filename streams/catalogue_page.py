"""The catalogue of signals as one self-contained HTML page."""

from collections.abc import Iterator, Sequence

from earmark.streams.catalogue import Entry, Report
from earmark.streams.catalogue_text import (
    deprecation,
    facts,
    interval,
    report_heading,
    standing,
)
from earmark.streams.report.page import (
    Column,
    Html,
    element,
    joined,
    link,
    page,
    section,
    table,
    terms,
)

_SUMMARY = (
    Column(heading="signal"),
    Column(heading="says"),
    Column(heading="access"),
    Column(heading="owner"),
    Column(heading="measured"),
)
_FIGURES = (
    Column(heading="figure"),
    Column(heading="value", is_number=True),
    Column(heading="95 %", is_number=True),
)
_MEANINGS = (
    ("open", "May be read by everyone in the house."),
    ("personal data", "May be read with a reason to: it holds what people say or write."),
    ("restricted", "May be read by those who are named one by one."),
    ("freshness", "A target, where the workers keep up and recordings are under half an hour."),
    ("out of date", "Models, method or thresholds have changed since it was measured."),
    ("coverage", "The share of cases that were answered; figures are of the answered."),
)


def catalogue_page(entries: Sequence[Entry]) -> str:
    """The page; the same catalogue gives the same bytes."""
    return page(
        "Signals of Earmark",
        element("h1", "Signals"),
        element("p", f"{len(entries)} signals, each on a topic of its own, keyed by content_id."),
        table(_SUMMARY, (_row(entry) for entry in entries)),
        *(_section(entry) for entry in entries),
        element("footer", terms(_MEANINGS)),
    )


def _row(entry: Entry) -> Sequence[object]:
    gone = element("span", " deprecated", class_="after") if entry.deprecated_on else ""
    named = joined((link(entry.signal, entry.signal), gone))
    return named, entry.summary, entry.access, entry.owner, standing(entry)


def _section(entry: Entry) -> Html:
    return section(
        entry.signal,
        element("p", entry.summary),
        *_notice(entry),
        terms(facts(entry)),
        *_said("For", entry.intended_use),
        *_said("Limits", entry.limits),
        *(_report(report) for report in reversed(entry.reports)),
        anchor=entry.signal,
    )


def _notice(entry: Entry) -> Iterator[Html]:
    if said := deprecation(entry):
        yield element("p", f"Deprecated {said}.", class_="after")


def _said(heading: str, text: str) -> Iterator[Html]:
    if text:
        yield element("h3", heading)
        yield element("p", text)


def _report(report: Report) -> Html:
    rows = ((name, f"{it.value:g}", interval(it)) for name, it in report.measured.metrics.items())
    return joined(
        (
            element("h3", f"Measured on {report_heading(report)}"),
            element("p", report.measured.limits),
            table(_FIGURES, rows),
        ),
        "\n",
    )
