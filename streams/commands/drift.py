"""`earmark drift`: whether signals are still as they were."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Column

from earmark.models.error import ConfigurationError
from earmark.streams.fitting import Fitting, detailed_table, plain_table
from earmark.streams.printable import printable

if TYPE_CHECKING:
    from earmark.processors.drift.finding import Comparison, Finding, Limits, Span
    from earmark.streams.drift import Counted

LISTED = 20


@click.command()
@click.argument("signals", nargs=-1)
@click.option(
    "--window",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="What is compared begins here: ISO 8601, or so long before its end.",
)
@click.option("--until", metavar="TIME", help="And ends here; now if not given.")
@click.option(
    "--reference",
    default="7d",
    show_default=True,
    metavar="TIME",
    help="What it is compared with begins here, or so long before its end.",
)
@click.option(
    "--reference-until", metavar="TIME", help="And ends here; where the window begins if not given."
)
@click.option(
    "--count",
    "counted",
    type=click.Choice(["stats", "signals"]),
    default="stats",
    show_default=True,
    help="From signal.stats.v1, which Flink writes, or by reading the topics of the signals.",
)
@click.option("--psi", type=click.FloatRange(min=0), help="Limit of the stability index. [0.1]")
@click.option("--ks", type=click.FloatRange(0, 1), help="Limit of Kolmogorov-Smirnov's. [0.1]")
@click.option("--mean-shift", type=click.FloatRange(min=0), help="Limit for embeddings. [0.2]")
@click.option("--least", type=click.IntRange(min=2), help="Signals needed on each side. [50]")
@click.option("--alert", is_flag=True, help="Write what drifted to signal.alerts.v1.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="A page of plots.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def drift(
    signals: tuple[str, ...],
    window: str,
    until: str | None,
    reference: str,
    reference_until: str | None,
    counted: str,
    alert: bool,
    report: Path | None,
    as_json: bool,
    **limits: float | None,
) -> None:
    """Compare SIGNALS, or all, of a span of time with those of a span before it.

    Counts by signal, model, language and content type; a new model is not compared with an old one.
    For each number its population stability index and the Kolmogorov-Smirnov distance, for outcomes
    and labels the index of their shares, for embeddings the shift of their mean (with `--count
    signals`). Drift is what is above its limit with its whole 95 % interval, and no chance (p below
    0.01 after correction for the number of comparisons). Ends with 1 if anything drifted.
    """
    spans = _spans(window, until, reference, reference_until)
    sides, comparison = _compared(signals, spans, counted, _limits(limits), quiet=as_json)
    raised = _raised(comparison, spans) if alert else 0
    if report is not None:
        _write(report, comparison, spans, sides)
    if as_json:
        click.echo(json.dumps(_as_object(comparison, spans, raised)))
    else:
        _show(comparison, raised)
        _tell_what_is_missing(sides, spans)
        if counted == "stats":
            _tell_when_there_is_more(sides, spans, is_past=until is not None)
    if comparison.drifted:
        sys.exit(1)


def _spans(
    window: str, until: str | None, reference: str, reference_until: str | None
) -> tuple["Span", "Span"]:
    """The reference and the window."""
    from earmark.streams.dead_letter import moment_ms

    now = datetime.now(UTC)
    end = _moment(moment_ms(until, now=now)) if until else now
    start = _moment(moment_ms(window, now=end))
    reference_end = _moment(moment_ms(reference_until, now=now)) if reference_until else start
    reference_start = _moment(moment_ms(reference, now=reference_end))
    return _span(reference_start, reference_end, "reference"), _span(start, end, "window")


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _span(start: datetime, end: datetime, name: str) -> "Span":
    from earmark.processors.drift.finding import Span

    if start >= end:
        raise ConfigurationError(f"--{name}: begins at {start:%F %T}, not before {end:%F %T}")
    return Span(start_ms=round(start.timestamp() * 1000), end_ms=round(end.timestamp() * 1000))


def _limits(given: dict[str, float | None]) -> "Limits":
    from earmark.processors.drift.finding import Limits

    return Limits(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # least is a whole number


def _compared(
    signals: Sequence[str],
    spans: tuple["Span", "Span"],
    counted: str,
    limits: "Limits",
    *,
    quiet: bool,
) -> tuple[tuple["Counted", "Counted"], "Comparison"]:
    from earmark.processors.loader import load_specs
    from earmark.streams.drift import compared, counted_signals, counted_windows
    from earmark.streams.endpoint import endpoint
    from earmark.streams.progress import reading

    known = load_specs()
    if unknown := sorted(set(signals) - set(known)):
        raise ConfigurationError(f"unknown signal {unknown[0]!r}: name one of {', '.join(known)}")
    settings, from_signals = endpoint(), counted == "signals"
    names = list(signals) or (list(known) if from_signals else [])
    count = counted_signals if from_signals else counted_windows
    with reading(quiet=quiet) as report:
        sides = (
            count(settings, names, spans[0], report),
            count(settings, names, spans[1], report),
        )
    return sides, compared(*sides, limits)


def _raised(comparison: "Comparison", spans: tuple["Span", "Span"]) -> int:
    from earmark.streams.drift import raise_alerts
    from earmark.streams.endpoint import endpoint

    return raise_alerts(endpoint(), comparison.drifted, *spans)


def _write(
    path: Path,
    comparison: "Comparison",
    spans: tuple["Span", "Span"],
    sides: tuple["Counted", "Counted"],
) -> None:
    from earmark.streams.drift_page import drift_page

    text = drift_page(comparison, spans, (sides[0].counts, sides[1].counts))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error


def _as_object(
    comparison: "Comparison", spans: tuple["Span", "Span"], raised: int
) -> dict[str, object]:
    return {
        "reference": asdict(spans[0]),
        "window": asdict(spans[1]),
        "compared": len(comparison.findings),
        "too_few": [asdict(group) for group in comparison.too_few],
        "drifted": [_finding(finding) for finding in comparison.drifted],
        "alerts": raised,
    }


def _finding(finding: "Finding") -> dict[str, object]:
    fields = asdict(finding)
    return {**fields.pop("group"), **fields.pop("distance"), **fields}


def _show(comparison: "Comparison", raised: int) -> None:
    few = len(comparison.too_few)
    click.echo(
        f"{len(comparison.findings):,} comparisons, {len(comparison.drifted):,} drifted"
        + (f"; {few:,} groups have too few signals" if few else "")
        + (f"; {raised:,} alerts written" if raised else "")
    )
    if not comparison.drifted:
        return
    Console().print(drift_table(comparison.drifted[:LISTED]))
    if (left := len(comparison.drifted) - LISTED) > 0:
        click.echo(f"and {left:,} more: --json and --report have all")


def _tell_what_is_missing(sides: tuple["Counted", "Counted"], spans: tuple["Span", "Span"]) -> None:
    """Say of a span for which nothing is there that it is so."""
    for name, side, span in zip(("reference", "window"), sides, spans, strict=True):
        if not side.counts:
            start, end = _moment(span.start_ms), _moment(span.end_ms)
            click.echo(f"nothing in the {name}, {start:%F %H:%M} to {end:%F %H:%M} UTC")


def _tell_when_there_is_more(
    sides: tuple["Counted", "Counted"], spans: tuple["Span", "Span"], *, is_past: bool
) -> None:
    """Say what else can be done, and of a window up to now when the first part of it is counted."""
    from earmark.streams.drift import HOUR_MS, window_ms

    empty = [span for side, span in zip(sides, spans, strict=True) if not side.counts]
    if not empty:
        return
    length = window_ms(empty[-1])
    unit = "hour" if length == HOUR_MS else "minute"
    first = _moment((spans[1].end_ms // length + 1) * length)
    when = f": this {unit} is there soon after {first:%F %H:%M} UTC"
    click.echo(
        f"`earmark flink stats` counts whole {unit}s{'' if is_past or sides[1].counts else when}; "
        "--count signals needs no `earmark flink stats`"
    )


def drift_table(findings: "Sequence[Finding]") -> Fitting:
    """A line for each finding; where it is narrow, what happened, with its field, stands below."""
    columns = [Column(it) for it in ("signal", "of", "measure", "distance")]
    rows = [(_cells(it), printable(it.field), printable(it.words)) for it in findings]
    return Fitting(
        plain_table(
            [*columns, Column("field"), Column("what happened")],
            [(*cells, field, words) for cells, field, words in rows],
        ),
        detailed_table(columns, [(cells, words) for cells, _, words in rows]),
    )


def _cells(finding: "Finding") -> tuple[str, ...]:
    group, distance = finding.group, finding.distance
    return (
        printable(group.signal),
        printable(f"{group.content_type} {group.language}"),
        finding.measure.value,
        f"{distance.value:.2f} ({distance.low:.2f} to {distance.high:.2f})",
    )
