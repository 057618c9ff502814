"""What an audit says of an event, from what it finds on the topics."""

from collections.abc import Iterator

import pytest

from earmark.processors.identity import AnswerKey
from earmark.streams.audit_book import (
    Answered,
    AuditBook,
    AuditedEvent,
    RejectedRecord,
    Standing,
    Unreadable,
    WaitingRecord,
)
from earmark.streams.audit_verdict import AuditVerdict

EVENTS, RETRY, LONG = "events", "events.retry", "events.long"
SPEECH, SAFETY, ITEMS = "audio.speech", "text.safety", "items"


@pytest.fixture
def book() -> Iterator[AuditBook]:
    with AuditBook([SPEECH, SAFETY, ITEMS], events=EVENTS, long=LONG) as book:
        yield book


def event(item: str = "a", revision: int = 1, *, offset: int = 0, **others: object) -> AuditedEvent:
    fields: dict[str, object] = {
        "partition": 0,
        "offset": offset,
        "arrived_ms": 0,
        "content_id": item,
        "event_id": f"{item}-{revision}",
        "revision": revision,
        "deleted": False,
        "expected": (SPEECH, SAFETY),
    }
    return AuditedEvent(**(fields | others))  # type: ignore[arg-type]  # fields vary by test


def key(text: str) -> AnswerKey:
    return AnswerKey(input_digest=text, config_hash="c")


def standing(revision: int, *, opened: bool = False, **answers: str) -> Standing:
    made_of = {name.replace("_", "."): key(text) for name, text in answers.items()}
    return Standing(content_id="a", revision=revision, open=opened, answers=made_of)


def answered(revision: int, text: str, *, item: str = "a") -> Answered:
    return Answered(content_id=item, present=True, revision=revision, key=key(text))


def gone(item: str = "a") -> Answered:
    return Answered(content_id=item, present=False)


def only(book: AuditBook) -> AuditVerdict:
    (verdict,) = book.verdicts()
    return verdict


def said(book: AuditBook) -> tuple[str, tuple[str, ...]]:
    return only(book).state, only(book).missing


def test_an_event_without_receipt_lacks_everything(book: AuditBook) -> None:
    book.take_events([event()])
    assert said(book) == ("UNANSWERED", (SPEECH, SAFETY))


def test_an_event_with_all_its_answers_is_complete(book: AuditBook) -> None:
    book.take_events([event()])
    book.take_receipts([standing(1, audio_speech="x", text_safety="y")])
    book.take_signals(SPEECH, [answered(1, "x")])
    assert said(book) == ("MISSING", (SAFETY,))
    book.take_signals(SAFETY, [answered(1, "y")])
    assert said(book) == ("COMPLETE", ())


def test_an_answer_of_an_earlier_revision_counts_where_the_receipt_says_that_it_stands(
    book: AuditBook,
) -> None:
    book.take_events([event(revision=5)])
    book.take_receipts([standing(5, audio_speech="x", text_safety="new")])
    book.take_signals(SPEECH, [answered(1, "x")])
    book.take_signals(SAFETY, [answered(1, "old")])  # the new one was lost
    assert said(book) == ("MISSING", (SAFETY,))


def test_an_answer_that_is_no_key_of_the_receipt_counts_if_it_is_of_this_revision(
    book: AuditBook,
) -> None:
    book.take_events([event(expected=(SPEECH,))])
    book.take_receipts([standing(1)])  # it ended in ERROR
    book.take_signals(SPEECH, [answered(1, "x")])
    assert said(book) == ("COMPLETE", ())


def test_the_last_record_of_a_signal_counts(book: AuditBook) -> None:
    book.take_events([event(expected=(SPEECH,))])
    book.take_receipts([standing(1, audio_speech="x")])
    book.take_signals(SPEECH, [answered(1, "x"), gone()])
    assert said(book) == ("MISSING", (SPEECH,))


def test_the_highest_revision_of_an_item_is_audited(book: AuditBook) -> None:
    book.take_events([event(revision=3, offset=1), event(revision=2, offset=2)])
    assert (only(book).event_id, only(book).offset) == ("a-3", 1)


def test_what_a_later_revision_has_replaced_lacks_nothing(book: AuditBook) -> None:
    book.take_events([event()])
    book.take_receipts([standing(2)])
    assert said(book) == ("SUPERSEDED", ())


def test_what_waits_says_where_and_until_when(book: AuditBook) -> None:
    book.take_events([event("a"), event("b", offset=1), event("c", revision=2, offset=2)])
    book.take_receipts([standing(1, text_safety="y", opened=True)])
    book.take_signals(SAFETY, [answered(1, "y")])
    waiting = {"partition": 0, "offset": 0}
    book.take_waiting(
        [
            WaitingRecord(content_id="a", revision=1, topic=RETRY, due_ms=7, **waiting),
            WaitingRecord(content_id="b", revision=1, topic=LONG, due_ms=None, **waiting),
            WaitingRecord(content_id="c", revision=1, topic=RETRY, due_ms=7, **waiting),
        ]
    )
    a, b, c = book.verdicts()
    assert (a.state, a.missing, a.due_ms) == ("RETRYING", (SPEECH,), 7)
    assert (b.state, b.missing, b.due_ms) == ("LONG", (SPEECH, SAFETY), None)
    assert (c.state, c.due_ms) == ("UNANSWERED", None)  # an earlier revision waits
    book.take_receipts([standing(1, text_safety="y")])  # it has waited, and was answered
    assert next(book.verdicts()).state == "MISSING"


@pytest.mark.parametrize("place", [(EVENTS, 0, 4), (RETRY, 0, 9)])
def test_a_record_that_was_rejected_as_a_whole_is_answered(
    book: AuditBook, place: tuple[str, int, int]
) -> None:
    topic, partition, offset = place
    book.take_events([event(offset=4)])
    book.take_waiting(
        [WaitingRecord(content_id="a", revision=1, topic=RETRY, partition=0, offset=9, due_ms=None)]
    )
    book.take_rejections(
        [RejectedRecord(content_id="a", topic=topic, partition=partition, offset=offset)]
    )
    assert said(book) == ("REJECTED", ())


def test_what_is_no_event_needs_a_rejection(book: AuditBook) -> None:
    book.take_events(
        [Unreadable(partition=0, offset=offset, arrived_ms=0, reason="bad") for offset in (1, 2)]
    )
    book.take_rejections([RejectedRecord(content_id="", topic=EVENTS, partition=0, offset=1)])
    assert [(it.offset, it.state) for it in book.verdicts()] == [(1, "REJECTED"), (2, "UNREADABLE")]


def test_a_deleted_item_needs_its_receipt_and_tombstones(book: AuditBook) -> None:
    book.take_events([event(deleted=True, expected=())])
    book.take_signals(SPEECH, [answered(0, "x"), gone()])
    book.take_signals(SAFETY, [answered(0, "y")])
    book.take_others(ITEMS, [answered(0, "")])
    assert said(book) == ("UNANSWERED", (SAFETY, ITEMS))
    book.take_receipts([standing(1)])
    assert said(book) == ("NOT_ERASED", (SAFETY, ITEMS))
    book.take_signals(SAFETY, [gone()])
    book.take_others(ITEMS, [gone()])
    assert said(book) == ("ERASED", ())


def test_what_was_answered_while_the_audit_read_is_not_blamed(book: AuditBook) -> None:
    book.take_events([event()])
    book.take_receipts([standing(1, audio_speech="x", text_safety="y")], meanwhile=True)
    assert said(book) == ("MOVING", ())
