"""The language that is spoken, and English against all others."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.language import canonical
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class


def _is_english(row: Row) -> str | None:
    stated = row.labels.get("language")
    if not stated or sound_class(row) != "speech":
        return None
    return "en" if canonical(str(stated)) == "en" else "other"


def _said(record: Record) -> Choice | None:
    if not record["language"]:
        return None
    return Choice(label="en" if canonical(record["language"]) == "en" else "other")


TASKS = (
    Task(
        name="english",
        truth=_is_english,
        answer=_said,
        measure=classification,
        headline="balanced_accuracy",
    ),
)
