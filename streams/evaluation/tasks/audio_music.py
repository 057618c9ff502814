"""Tags of music: instruments named, and nothing tagged that is no music."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification, occurrence
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class

_OTHERS = frozenset({"speech", "noise", "silence"})


def _instrument(row: Row) -> str | None:
    """The last word: an acoustic guitar is a guitar."""
    stated = row.labels.get("instrument")
    return str(stated).split()[-1].lower() if row.path is not None and stated else None


def _first(record: Record) -> Choice | None:
    named = record["instruments"]
    return Choice(label=named[0], probability=record["scores"].get(named[0])) if named else None


def _no_music(row: Row) -> str | None:
    stated = sound_class(row)
    return stated if stated in _OTHERS else None


def _music(row: Row) -> str | None:
    return "music" if sound_class(row) == "music" else None


TASKS = (
    Task(
        name="instrument",
        truth=_instrument,
        answer=_first,
        measure=classification,
        headline="accuracy",
        limits="One instrument a recording, some of which the tags have no word for.",
    ),
    Task(
        name="tagged",
        truth=_music,
        answer=lambda record: record["outcome"] == "OK",
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="The share of music that is tagged at all.",
    ),
    Task(
        name="untagged",
        truth=_no_music,
        answer=lambda record: record["outcome"] != "OK",
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="The share of speech, noise and silence that is not tagged as music.",
    ),
)
