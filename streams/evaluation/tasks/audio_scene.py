"""Which of speech, music, noise and silence a recording mostly is."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, Judgement, classification, detection
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class

_CLASSES = ("speech", "music", "noise", "silence")


def _scene(row: Row) -> str | None:
    stated = sound_class(row)
    return stated if stated in _CLASSES else None


def _is_speech(row: Row) -> bool | None:
    """Speech against music alone."""
    stated = sound_class(row)
    return stated == "speech" if stated in {"speech", "music"} else None


def _largest(record: Record) -> Choice:
    shares = {name: float(record[f"{name}_share"] or 0.0) for name in _CLASSES}
    return Choice(label=max(_CLASSES, key=lambda name: shares[name]))


def _lean(record: Record) -> Judgement:
    speech, music = float(record["speech_share"] or 0.0), float(record["music_share"] or 0.0)
    return Judgement(score=speech - music, positive=speech > music)


TASKS = (
    Task(
        name="scene",
        truth=_scene,
        answer=_largest,
        measure=classification,
        headline="balanced_accuracy",
    ),
    Task(
        name="speech_or_music",
        truth=_is_speech,
        answer=_lean,
        measure=detection,
        headline="accuracy",
    ),
)
