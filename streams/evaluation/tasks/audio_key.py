"""Key and mode right, both together, and none of what has none."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification, occurrence
from earmark.streams.evaluation.task import Task

_SHARP = {"db": "c#", "eb": "d#", "gb": "f#", "ab": "g#", "bb": "a#", "cb": "b", "fb": "e"}


def _name(key: object, mode: object) -> str:
    """`c# minor`: flats under the name of the same note."""
    tonic = str(key).strip().lower().replace("♯", "#").replace("♭", "b")
    return f"{_SHARP.get(tonic, tonic)} {str(mode).strip().lower()}"


def _key(row: Row) -> str | None:
    key, mode = row.labels.get("key"), row.labels.get("mode")
    return _name(key, mode) if row.path is not None and key and mode else None


def _said(record: Record) -> Choice | None:
    if record["key"] is None or record["mode"] is None:
        return None
    label = _name(record["key"], record["mode"])
    return Choice(label=label, probability=record["confidence"])


def _none(row: Row) -> str | None:
    """Sounds of which it is known that they have no key."""
    return "none" if row.path is not None and row.labels.get("has_key") is False else None


TASKS = (
    Task(
        name="key",
        truth=_key,
        answer=_said,
        measure=classification,
        headline="accuracy",
        is_probability=True,
    ),
    Task(
        name="none",
        truth=_none,
        answer=lambda record: record["outcome"] != "OK",
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="The share of sounds without a key that are given none.",
    ),
)
