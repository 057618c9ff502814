"""Whether the nearest recording is of the same family: instrument, artist."""

import numpy as np

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure_sequence import neighbours
from earmark.streams.evaluation.metric import Values
from earmark.streams.evaluation.task import Task


def _artist(row: Row) -> str | None:
    stated = row.labels.get("artist") or row.labels.get("instrument")
    return str(stated) if row.path is not None and stated else None


def _vector(record: Record) -> Values | None:
    vector = record["vector"]
    return np.frombuffer(vector, "<f4").astype(np.float64) if vector else None


TASKS = (
    Task(
        name="artist",
        truth=_artist,
        answer=_vector,
        measure=neighbours,
        headline="hit_rate_1",
    ),
)
