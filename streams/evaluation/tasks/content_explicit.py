"""Explicit items told from others, where a row says which it is."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification, occurrence
from earmark.streams.evaluation.task import Task

_SWEARING = frozenset({"profanity"})  # of a harm's category: what such a warning is about


def _warning(row: Row) -> str | None:
    stated = row.labels.get("parental_warning")
    return str(stated) if stated else None


def _is_clean(row: Row) -> bool | None:
    """Texts labelled safe, which ask for no warning."""
    return True if row.labels.get("safe") is True and row.text is not None else None


def _is_profane(row: Row) -> bool | None:
    """Texts labelled as profane, which ask for one."""
    is_profane = row.text is not None and row.labels.get("category") in _SWEARING
    return True if is_profane else None


def _said(record: Record) -> Choice:
    return Choice(label=str(record["parental_warning"]))


TASKS = (
    Task(
        name="warning",
        truth=_warning,
        answer=_said,
        measure=classification,
        headline="accuracy",
    ),
    Task(
        name="clean",
        truth=_is_clean,
        answer=lambda record: record["parental_warning"] == "NotExplicit",
        measure=occurrence,
        headline="rate",
        limits="The share of texts labelled safe that are called not explicit, of the answered.",
    ),
    Task(
        name="profane",
        truth=_is_profane,
        answer=lambda record: record["parental_warning"] == "Explicit",
        measure=occurrence,
        headline="rate",
        limits="The share of texts labelled profane that are called explicit, of the answered.",
    ),
)
