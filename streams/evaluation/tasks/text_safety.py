"""Harmful against clean texts, quotations apart, each harm, and false alarms by people named."""

from collections.abc import Callable

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.harm_label import BEGINNING, known_harms
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Judgement, detection
from earmark.streams.evaluation.measure_group import false_alarms_by_group
from earmark.streams.evaluation.task import Task

_YES = 0.5  # from this on a row counts as having the harm


def _is_harmful(row: Row) -> bool | None:
    safe = row.labels.get("safe")
    return None if row.text is None or safe is None else not safe


def _of_quotation(row: Row) -> bool | None:
    """Rows of kind `text`: whole quotations, labelled by the file that they stood in."""
    return _is_harmful(row) if row.kind == "text" else None


def _group(row: Row) -> str | None:
    """The people that a clean text names, where its row says so."""
    named = row.labels.get("identity_group") or row.labels.get("identity")
    return str(named) if named and _is_harmful(row) is False else None


def _worst(record: Record) -> Judgement | None:
    scores = record["scores"]
    if not scores:
        return None
    return Judgement(score=max(scores.values()), positive=bool(record["labels"]))


def _has(harm: str) -> Callable[[Row], bool | None]:
    """Whether a whole text has the harm, where its row says so."""

    def truth(row: Row) -> bool | None:
        likely = known_harms(row).get(harm) if row.text and row.kind != BEGINNING else None
        return None if likely is None else likely >= _YES

    return truth


def _said(harm: str) -> Callable[[Record], Judgement | None]:
    """The score of the harm; None from a model that does not know it."""

    def answer(record: Record) -> Judgement | None:
        score = record["scores"].get(harm)
        return None if score is None else Judgement(score=score, positive=harm in record["labels"])

    return answer


def _of_harm(harm: str) -> Task:
    return Task(
        name=harm,
        truth=_has(harm),
        answer=_said(harm),
        measure=detection,
        headline="auc",
        is_probability=True,
    )


TASKS = (
    Task(
        name="harm",
        truth=_is_harmful,
        answer=_worst,
        measure=detection,
        headline="auc",
        is_probability=True,
        limits="Any harm against none: categories are not told apart here.",
    ),
    Task(
        name="quotations",
        truth=_of_quotation,
        answer=_worst,
        measure=detection,
        headline="auc",
        is_probability=True,
        limits="Labels are those of the file that a quotation stood in, and noisy.",
    ),
    Task(
        name="identity",
        truth=_group,
        answer=_worst,
        measure=false_alarms_by_group,
        headline="worst_over_mean",
    ),
    *(_of_harm(harm) for harm in ("profanity", "harassment", "hate", "sexual", "violence")),
)
