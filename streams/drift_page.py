"""The page of `earmark drift`: what drifted, how far, and how the numbers lay before and after."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from earmark.processors.drift.count import Counts, Group
from earmark.processors.drift.finding import Comparison, Finding, Measure, Span
from earmark.processors.drift.sketch import Sketch, merged
from earmark.streams.report.page import Column, Html, element, figure, figures, page, section, table
from earmark.streams.report.plot import paired_histogram
from earmark.streams.report.statistic import BINS, Histogram

SHOWN = 40  # plots; what comes after them drifted less
_TAIL = 0.005  # of the numbers on each side, which would squeeze the others together

_COLUMNS = (
    Column(heading="signal"),
    Column(heading="model"),
    Column(heading="of"),
    Column(heading="field"),
    Column(heading="measure"),
    Column(heading="distance", is_number=True),
    Column(heading="95 % interval", is_number=True),
    Column(heading="limit", is_number=True),
    Column(heading="signals", is_number=True),
)


def drift_page(
    comparison: Comparison,
    spans: tuple[Span, Span],
    counts: tuple[Mapping[Group, Counts], Mapping[Group, Counts]],
) -> str:
    """The page; `spans` and `counts` are of the reference and of what is compared with it."""
    drifted = comparison.drifted
    return page(
        "Drift of signals",
        element("h1", "Drift of signals"),
        element("p", f"{_said(spans[1])} against {_said(spans[0])}."),
        element("p", _summary(comparison)),
        section("What drifted", table(_COLUMNS, map(_row, drifted)), anchor="drifted")
        if drifted
        else element("p", "Nothing drifted."),
        section("Before and after", figures(*_plots(drifted, counts)), anchor="plots"),
        section("All comparisons", table(_COLUMNS, map(_row, comparison.findings)), anchor="all"),
    )


def _summary(comparison: Comparison) -> str:
    few = len(comparison.too_few)
    said = f"{len(comparison.findings)} comparisons, of which {len(comparison.drifted)} drifted."
    return f"{said} {few} groups have too few signals to compare." if few else said


def _row(finding: Finding) -> Sequence[object]:
    group, distance = finding.group, finding.distance
    return (
        group.signal,
        group.model,
        f"{group.content_type} {group.language}",
        finding.field,
        finding.measure.value,
        f"{distance.value:.3f}",
        f"{distance.low:.3f} to {distance.high:.3f}",
        f"{finding.limit:g}",
        f"{finding.reference_count:,} / {finding.count:,}",
    )


def _plots(
    drifted: Sequence[Finding], counts: tuple[Mapping[Group, Counts], Mapping[Group, Counts]]
) -> Iterator[Html]:
    shown = [finding for finding in drifted if finding.measure is Measure.PSI][:SHOWN]
    for number, finding in enumerate(shown):
        sides = [side[finding.group].get(finding.field) for side in counts]
        sketches = [side.sketch for side in sides if side is not None and side.sketch.count]
        if len(sketches) == len(counts):
            before, after = _histograms(sketches[0], sketches[1])
            name = f"{number}: {finding.field} of {finding.group.signal}"
            drawing = paired_histogram(
                before,
                after,
                name=name,
                label=finding.field,
                counted="signals, as many on each side",
            )
            yield figure(finding.words, drawing)


def _histograms(before: Sketch, after: Sketch) -> tuple[Histogram, Histogram]:
    """Over the same edges, the reference scaled to as many signals as there are now."""
    both = merged([before, after])
    low, high = both.quantile(_TAIL), both.quantile(1 - _TAIL)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    return (
        _histogram(before, edges.tolist(), after.count),
        _histogram(after, edges.tolist(), after.count),
    )


def _histogram(sketch: Sketch, edges: list[float], scaled_to: int) -> Histogram:
    shares = sketch.shares(edges)
    shares[1] += shares[0]  # what lies beyond the edges is shown at them
    shares[-2] += shares[-1]
    return Histogram(
        edges=tuple(edges), counts=tuple(round(share * scaled_to) for share in shares[1:-1])
    )


def _said(span: Span) -> str:
    ends = (datetime.fromtimestamp(each / 1000, UTC) for each in (span.start_ms, span.end_ms))
    return " to ".join(f"{end:%Y-%m-%d %H:%M}" for end in ends) + " UTC"
