"""Personal data found: spans of the kinds that patterns can find, and texts that hold any."""

from collections.abc import Mapping, Sequence

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import FIELD, Row
from earmark.streams.evaluation.measure import Judgement, Span, detection
from earmark.streams.evaluation.measure_sequence import spans
from earmark.streams.evaluation.task import Task

# the names that data sets have for kinds, and ours
PATTERN_KINDS: Mapping[str, str] = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "US_SSN": "us_ssn",
}


def _spans(row: Row) -> Sequence[Span] | None:
    stated = row.labels.get("spans")
    if row.text is None or stated is None:
        return None
    return [Span(kind=it["type"], start=it["start"], end=it["end"]) for it in stated]


def _said(record: Record) -> Sequence[Span]:
    """The spans in the row's own text; a text without any is an answer too."""
    return [
        Span(kind=it["kind"], start=it["start"], end=it["end"])
        for it in record["spans"]
        if it["field"] == FIELD
    ]


def _holds_any(row: Row) -> bool | None:
    stated = _spans(row)
    return None if stated is None else any(span.kind in PATTERN_KINDS for span in stated)


def _finds_any(record: Record) -> Judgement:
    scores = [float(record["scores"].get(kind) or 0.0) for kind in PATTERN_KINDS.values()]
    found = any(kind in record["kinds"] for kind in PATTERN_KINDS.values())
    return Judgement(score=max(scores), positive=found)


TASKS = (
    Task(
        name="pattern_spans",
        truth=_spans,
        answer=_said,
        measure=spans(kinds=PATTERN_KINDS),
        headline="f1",
        limits="The kinds that patterns find; names and addresses are not counted.",
    ),
    Task(
        name="any",
        truth=_holds_any,
        answer=_finds_any,
        measure=detection,
        headline="f1",
    ),
)
