"""The mean opinion score against that of listeners, and telephone speech told from wider."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification, quantity
from earmark.streams.evaluation.task import Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class

TELEPHONE_HZ = 8_000


def _mos(row: Row) -> float | None:
    stated = row.labels.get("mos")
    return None if row.path is None or stated is None else float(stated)


def _said(record: Record) -> float | None:
    return None if record["mos"] is None else float(record["mos"])


def _is_narrow(row: Row) -> str | None:
    """By the rate that the file was made at."""
    rate = row.labels.get("sample_rate")
    if rate is None or sound_class(row) != "speech":
        return None
    return "telephone" if rate <= TELEPHONE_HZ else "wider"


def _said_narrow(record: Record) -> Choice | None:
    if record["bandwidth"] is None:
        return None
    is_narrow = str(record["bandwidth"]).lower() == "telephone"
    return Choice(label="telephone" if is_narrow else "wider")


TASKS = (
    Task(name="mos", truth=_mos, answer=_said, measure=quantity(within=0.5), headline="mae"),
    Task(
        name="telephone",
        truth=_is_narrow,
        answer=_said_narrow,
        measure=classification,
        headline="accuracy",
        limits="By the file's rate: what a wider file holds may be narrow all the same.",
    ),
)
