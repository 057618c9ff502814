"""Harmful against clean texts, on quotations apart, and false alarms by group of people named."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Judgement, detection
from earmark.streams.evaluation.measure_group import false_alarms_by_group
from earmark.streams.evaluation.task import Task


def _is_harmful(row: Row) -> bool | None:
    safe = row.labels.get("safe")
    return None if row.text is None or safe is None else not safe


def _of_quotation(row: Row) -> bool | None:
    """Rows of kind `text`: whole quotations, labelled by the file that they stood in."""
    return _is_harmful(row) if row.kind == "text" else None


def _group(row: Row) -> str | None:
    """The people that a clean text names, where its row says so."""
    named = row.labels.get("identity_group") or row.labels.get("identity")
    return str(named) if named and _is_harmful(row) is False else None


def _worst(record: Record) -> Judgement | None:
    scores = record["scores"]
    if not scores:
        return None
    return Judgement(score=max(scores.values()), positive=bool(record["labels"]))


TASKS = (
    Task(
        name="harm",
        truth=_is_harmful,
        answer=_worst,
        measure=detection,
        headline="auc",
        is_probability=True,
        limits="Any harm against none: categories are not told apart here.",
    ),
    Task(
        name="quotations",
        truth=_of_quotation,
        answer=_worst,
        measure=detection,
        headline="auc",
        is_probability=True,
        limits="Labels are those of the file that a quotation stood in, and noisy.",
    ),
    Task(
        name="identity",
        truth=_group,
        answer=_worst,
        measure=false_alarms_by_group,
        headline="worst_over_mean",
    ),
)
