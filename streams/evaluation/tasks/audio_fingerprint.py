"""Whether copies are found and nothing else is, and whether recordings get landmarks at all."""

from earmark.models.fingerprint import Fingerprint
from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import occurrence
from earmark.streams.evaluation.measure_copy import copies
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class


def _has_content(row: Row) -> str | None:
    stated = sound_class(row)
    return stated if stated in {"speech", "music"} else None


def _recording(row: Row) -> str | None:
    """Which recording it is, or is a copy of."""
    stated = row.labels.get("recording")
    return str(stated) if row.path is not None and stated else None


def _fingerprint(record: Record) -> Fingerprint:
    return Fingerprint.unpacked(record["hashes"], share=record["kept_share"])


TASKS = (
    Task(
        name="copies",
        truth=_recording,
        answer=_fingerprint,
        measure=copies,
        headline="found",
    ),
    Task(
        name="landmarks",
        truth=_has_content,
        answer=lambda record: record["outcome"] == "OK" and bool(record["count"]),
        measure=occurrence,
        headline="rate",
        reads_all=True,
    ),
)
