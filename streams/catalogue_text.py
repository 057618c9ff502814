"""The catalogue of signals in words, for a terminal and for a page."""

from collections.abc import Iterator

from earmark.models.card_evaluation import MeasuredFigure
from earmark.streams.catalogue import Entry, Report

NOTHING = "-"
_MINUTE = 60
_LONGEST_SECONDS = 120


def facts(entry: Entry) -> Iterator[tuple[str, str]]:
    """What is short enough to stand behind a word."""
    yield "topic", entry.topic
    if entry.restricted_topic:
        yield "redacted", f"text is left out there; it stands on {entry.restricted_topic}"
    yield "schema", f"{entry.schema}, subject {entry.subject}"
    yield "owner", entry.owner
    yield "access", str(entry.access)
    yield "freshness", freshness(entry.freshness_s)
    yield "reads", ", ".join(entry.reads)
    if entry.needs:
        yield "stands on", ", ".join(entry.needs)
    yield "made by", made_by(entry)
    yield "thresholds", entry.thresholds or "none"
    if entry.taxonomy:
        yield "taxonomy", entry.taxonomy
    if entry.deprecated_on:
        yield "deprecated", deprecation(entry)


def freshness(seconds: float | None) -> str:
    """The target in words."""
    if seconds is None:
        return "nothing is promised"
    if seconds > _LONGEST_SECONDS and seconds % _MINUTE == 0:
        return f"95 % within {seconds / _MINUTE:g} min of the event's arrival"
    return f"95 % within {seconds:g} s of the event's arrival"


def made_by(entry: Entry) -> str:
    """Models with their licences, or the method."""
    named = [f"{it.name} {it.version} ({it.licence})" for it in entry.models]
    return ", ".join(named) or str(entry.method)


def deprecation(entry: Entry) -> str:
    """From when on, and in favour of what; empty where it stays."""
    if entry.deprecated_on is None:
        return ""
    instead = f", in favour of {entry.replaced_by}" if entry.replaced_by else ""
    return f"from {entry.deprecated_on.isoformat()} on{instead}"


def report_heading(report: Report) -> str:
    """On what it was measured, and whether that is still so."""
    measured = report.measured
    line = f"{measured.data}: {measured.n:,} rows"
    if report.is_current:
        return line
    then = ", ".join(measured.models) or "something that it does not name"
    at = f" at thresholds {measured.thresholds}" if measured.thresholds else ""
    return f"{line}; out of date: by {then}{at}"


def standing(entry: Entry) -> str:
    """Whether the signal as it is has been measured."""
    if entry.latest is None:
        return "never"
    return "as it is" if entry.latest.is_current else "out of date"


def interval(figure: MeasuredFigure) -> str:
    """The 95 % interval."""
    if figure.low is None or figure.high is None:
        return NOTHING
    return f"{figure.low:g} to {figure.high:g}"
