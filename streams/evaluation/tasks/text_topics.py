"""The topic of a text by IAB's tier 1, newsgroups being told by what they are about."""

from collections.abc import Mapping

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification
from earmark.streams.evaluation.task import Task

# a newsgroup, or how its name begins, and the topic that it is about
NEWSGROUPS: Mapping[str, str] = {
    "alt.atheism": "Religion & Spirituality",
    "soc.religion.christian": "Religion & Spirituality",
    "talk.religion.misc": "Religion & Spirituality",
    "talk.politics": "Politics",
    "comp.": "Technology & Computing",
    "sci.crypt": "Technology & Computing",
    "sci.electronics": "Technology & Computing",
    "sci.med": "Medical Health",
    "sci.space": "Science",
    "rec.autos": "Automotive",
    "rec.motorcycles": "Automotive",
    "rec.sport": "Sports",
    "misc.forsale": "Shopping",
}


def _topic(row: Row) -> str | None:
    """The topic itself where it is no newsgroup."""
    stated = row.labels.get("topic")
    if row.text is None or not stated:
        return None
    meant = (topic for group, topic in NEWSGROUPS.items() if str(stated).startswith(group))
    return next(meant, str(stated))


def _first(record: Record) -> Choice | None:
    return Choice(label=str(record["labels"][0])) if record["labels"] else None


TASKS = (
    Task(
        name="topic",
        truth=_topic,
        answer=_first,
        measure=classification,
        headline="accuracy",
        limits="Among the answered; `accuracy_of_all` counts what was abstained from as wrong.",
    ),
)
