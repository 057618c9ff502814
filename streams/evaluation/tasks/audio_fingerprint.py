"""Whether recordings of speech and music get landmarks at all."""

from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import occurrence
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class


def _has_content(row: Row) -> str | None:
    stated = sound_class(row)
    return stated if stated in {"speech", "music"} else None


TASKS = (
    Task(
        name="landmarks",
        truth=_has_content,
        answer=lambda record: record["outcome"] == "OK" and bool(record["count"]),
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="Copies and false matches are no matter of one recording, and not measured here.",
    ),
)
