"""Personal data found: spans of the kinds that patterns can find, and texts that hold any."""

from collections.abc import Mapping, Sequence

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Span
from earmark.streams.evaluation.measure_sequence import spans
from earmark.streams.evaluation.task import Task

# the names that data sets have for kinds, and ours
PATTERN_KINDS: Mapping[str, str] = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
}
_OURS = {"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD"}
_OURS |= {"PAYMENT_CARD": "CARD", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP"}


def _spans(row: Row) -> Sequence[Span] | None:
    stated = row.labels.get("spans")
    if row.text is None or stated is None:
        return None
    return [Span(kind=it["type"], start=it["start"], end=it["end"]) for it in stated]


def _said(record: Record) -> Sequence[Span]:
    return [
        Span(
            kind=_OURS.get(str(it["kind"]).upper(), str(it["kind"]).upper()),
            start=it["start"],
            end=it["end"],
        )
        for it in record["spans"]
    ]


TASKS = (
    Task(
        name="pattern_spans",
        truth=_spans,
        answer=_said,
        measure=spans(kinds=PATTERN_KINDS),
        headline="f1",
        limits="The kinds that patterns find; names and addresses are not counted.",
    ),
)
