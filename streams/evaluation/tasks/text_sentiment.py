"""Polarity of texts against raters: the word for it, and the number."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification, quantity
from earmark.streams.evaluation.task import Task

RATERS_SCALE = 4.0  # `human_mean` goes from -4 to 4


def _label(row: Row) -> str | None:
    stated = row.labels.get("sentiment")
    return str(stated).lower() if row.text is not None and stated else None


def _polarity(row: Row) -> float | None:
    stated = row.labels.get("human_mean")
    return None if row.text is None or stated is None else float(stated) / RATERS_SCALE


def _said(record: Record) -> Choice | None:
    if record["label"] is None:
        return None
    return Choice(label=str(record["label"]).lower(), probability=record["confidence"])


def _said_polarity(record: Record) -> float | None:
    return None if record["polarity"] is None else float(record["polarity"])


TASKS = (
    Task(
        name="sentiment",
        truth=_label,
        answer=_said,
        measure=classification,
        headline="accuracy",
        is_probability=True,
    ),
    Task(
        name="polarity",
        truth=_polarity,
        answer=_said_polarity,
        measure=quantity(within=0.25),
        headline="mae",
    ),
)
