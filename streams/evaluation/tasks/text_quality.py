"""Spam told from other mail by how it is written."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Judgement, detection
from earmark.streams.evaluation.task import Task

_MEASURE = "spam_like"


def _is_spam(row: Row) -> bool | None:
    stated = row.labels.get("spam")
    return None if row.text is None or stated is None else bool(stated)


def _said(record: Record) -> Judgement | None:
    score = record["scores"].get(_MEASURE)
    if score is None:
        return None
    return Judgement(score=float(score), positive=_MEASURE in record["labels"])


TASKS = (
    Task(
        name="spam",
        truth=_is_spam,
        answer=_said,
        measure=detection,
        headline="auc",
        limits="The other measures of form have no labels here. No probability.",
    ),
)
