"""Whether the nearest text is a paraphrase, or about the same topic."""

import numpy as np

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure_sequence import neighbours
from earmark.streams.evaluation.metric import Values
from earmark.streams.evaluation.task import Task


def _topic(row: Row) -> str | None:
    stated = row.labels.get("topic")
    return str(stated) if row.text is not None and stated else None


def _paraphrase(row: Row) -> str | None:
    stated = row.labels.get("paraphrase")
    return str(stated) if row.text is not None and stated else None


def _vector(record: Record) -> Values | None:
    vectors = record["vectors"]
    return np.frombuffer(vectors[0]["vector"], "<f4").astype(np.float64) if vectors else None


TASKS = (
    Task(
        name="topic",
        truth=_topic,
        answer=_vector,
        measure=neighbours,
        headline="hit_rate_1",
        limits="Topics are broad: two texts of one may have little in common.",
    ),
    Task(
        name="paraphrase",
        truth=_paraphrase,
        answer=_vector,
        measure=neighbours,
        headline="hit_rate_1",
    ),
)
