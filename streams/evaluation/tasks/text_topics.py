"""The first topic of a text, where data set and signal have one list of topics."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification
from earmark.streams.evaluation.task import Task


def _topic(row: Row) -> str | None:
    stated = row.labels.get("topic")
    return str(stated) if row.text is not None and stated else None


def _first(record: Record) -> Choice | None:
    topics = record["topics"]
    if not topics:
        return None
    first = topics[0]
    if isinstance(first, str):
        return Choice(label=first)
    return Choice(label=str(first.get("label") or first.get("name") or first.get("topic")))


TASKS = (
    Task(name="topic", truth=_topic, answer=_first, measure=classification, headline="accuracy"),
)
