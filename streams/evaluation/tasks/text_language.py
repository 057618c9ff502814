"""The language of texts, all and short ones; tags of one language under other names are equal."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.language import canonical
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Choice, classification
from earmark.streams.evaluation.task import Task

SHORT = 60  # code points


def _language(row: Row) -> str | None:
    stated = row.labels.get("bcp47") or row.labels.get("language")
    if row.text is None or row.path is not None or not stated:
        return None
    return canonical(str(stated))


def _short(row: Row) -> str | None:
    return _language(row) if len(row.text or "") <= SHORT else None


def _found(record: Record) -> Choice:
    return Choice(label=canonical(record["language"]), probability=record["probability"])


TASKS = (
    Task(
        name="language",
        truth=_language,
        answer=_found,
        measure=classification,
        headline="accuracy",
        is_probability=True,
    ),
    Task(
        name="short",
        truth=_short,
        answer=_found,
        measure=classification,
        headline="accuracy",
        is_probability=True,
        limits=f"Lines of at most {SHORT} code points.",
    ),
)
