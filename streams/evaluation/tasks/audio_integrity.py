"""Whether rate, length and faults of a file are right, and damage is told and not crashed on."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification, occurrence, quantity
from earmark.streams.evaluation.task import Task

_DAMAGED = frozenset({"broken_or_odd_media", "made_damage", "odd_but_valid_media"})


def _rate(row: Row) -> str | None:
    rate = row.labels.get("sample_rate")
    return None if row.path is None or rate is None else str(rate)


def _said_rate(record: Record) -> Choice:
    return Choice(label=str(record["sample_rate_hz"]))


def _seconds(row: Row) -> float | None:
    seconds = row.labels.get("duration_s")
    return None if row.path is None or seconds is None else float(seconds)


def _said_seconds(record: Record) -> float:
    return float(record["decoded_duration_ms"]) / 1000


def _damaged(row: Row) -> bool | None:
    """Files that must give an answer or a reason, and never a crash."""
    return True if row.kind in _DAMAGED else None


def _fault(name: str, *, within: float) -> Task:
    """How far a measure of a fault is from what was put in."""

    def truth(row: Row) -> float | None:
        value = row.labels.get(name)
        return None if row.path is None or value is None else float(value)

    return Task(
        name=name.removesuffix("_share"),
        truth=truth,
        answer=lambda record: record[name],
        measure=quantity(within=within),
        headline="mae",
    )


def _truncated(row: Row) -> str | None:
    stated = row.labels.get("truncated")
    return None if row.path is None or stated is None else str(bool(stated))


def _said_truncated(record: Record) -> Choice:
    """A file that ends too early gives an answer that says so."""
    return Choice(label=str(bool(record["truncated"])))


TASKS = (
    Task(
        name="sample_rate",
        truth=_rate,
        answer=_said_rate,
        measure=classification,
        headline="accuracy",
    ),
    Task(
        name="duration",
        truth=_seconds,
        answer=_said_seconds,
        measure=quantity(within=0.05, unit=" s"),
        headline="mae",
    ),
    Task(
        name="damaged",
        truth=_damaged,
        answer=lambda record: record["outcome"] == "OK" or bool(record["reason"]),
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="Says that each damaged file was answered or refused with a reason, not which.",
    ),
    Task(
        name="truncated",
        truth=_truncated,
        answer=_said_truncated,
        measure=classification,
        headline="accuracy",
    ),
    _fault("clipped_share", within=0.01),
    _fault("silence_share", within=0.02),
    _fault("dc_offset", within=0.001),
    _fault("stereo_correlation", within=0.02),
)
