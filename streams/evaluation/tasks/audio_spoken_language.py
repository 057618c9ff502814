"""Speech in English against speech in other languages."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.language import canonical
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Judgement, detection
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class


def _is_english(row: Row) -> bool | None:
    stated = row.labels.get("language")
    if not stated or sound_class(row) != "speech":
        return None
    return canonical(stated) == "en"


def _said(record: Record) -> Judgement | None:
    if record["is_english"] is None:
        return None
    return Judgement(score=record["english_probability"], positive=record["is_english"])


TASKS = (
    Task(
        name="english",
        truth=_is_english,
        answer=_said,
        measure=detection,
        headline="accuracy",
        is_probability=True,
        limits="Which other language it is, is not said and not measured.",
    ),
)
