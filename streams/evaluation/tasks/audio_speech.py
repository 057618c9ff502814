"""Speech against music, noise and silence, and where the speech is."""

from collections.abc import Sequence

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Judgement, Span, detection
from earmark.streams.evaluation.measure_sequence import stretches
from earmark.streams.evaluation.task import Task


def sound_class(row: Row) -> str | None:
    """What the recording is: `labels.class`, or speech by its kind; None for texts."""
    if row.path is None:
        return None
    stated = row.labels.get("class")
    if stated is None and row.kind.startswith("speech"):
        return "speech"
    return None if stated is None else str(stated)


def _is_speech(row: Row) -> bool | None:
    stated = sound_class(row)
    if stated is None or row.labels.get("vocal"):
        return None  # a voice that sings is neither
    return stated == "speech"


def _share(record: Record) -> Judgement:
    return Judgement(score=float(record["speech_share"]), positive=bool(record["segments"]))


def _segments(row: Row) -> Sequence[Span] | None:
    stated = row.labels.get("speech_segments")
    if stated is None:
        return None
    return [Span(kind="speech", start=it["start_ms"], end=it["end_ms"]) for it in stated]


def _said_segments(record: Record) -> Sequence[Span]:
    return [
        Span(kind="speech", start=it["start_ms"], end=it["end_ms"]) for it in record["segments"]
    ]


TASKS = (
    Task(
        name="speech",
        truth=_is_speech,
        answer=_share,
        measure=detection,
        headline="auc",
        limits="One label a recording; a share is no probability, so nothing is calibrated.",
    ),
    Task(
        name="segments",
        truth=_segments,
        answer=_said_segments,
        measure=stretches,
        headline="segment_error",
    ),
)
