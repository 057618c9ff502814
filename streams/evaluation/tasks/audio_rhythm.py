"""Tempo within four per cent, or an octave away (Gouyon et al. 2006, accuracy 2)."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import occurrence
from earmark.streams.evaluation.measure_tempo import Tempo, tempo
from earmark.streams.evaluation.task import Task


def _tempo(row: Row) -> float | None:
    stated = row.labels.get("bpm") or row.labels.get("tempo_bpm")
    return float(stated) if row.path is not None and stated else None


def _said(record: Record) -> Tempo | None:
    if record["tempo_bpm"] is None:
        return None
    return Tempo(bpm=float(record["tempo_bpm"]), probability=record["confidence"])


def _none(row: Row) -> str | None:
    """Sounds of which it is known that they have no tempo."""
    return "none" if row.path is not None and row.labels.get("has_tempo") is False else None


TASKS = (
    Task(
        name="tempo",
        truth=_tempo,
        answer=_said,
        measure=tempo,
        headline="within_octave",
        is_probability=True,
    ),
    Task(
        name="none",
        truth=_none,
        answer=lambda record: record["outcome"] != "OK",
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="The share of sounds without a tempo that are given none.",
    ),
)
