"""What follows from a receipt for the next event of its item."""

from dataclasses import replace

import pytest

from earmark.processors.content import Change, ContentEvent, Text
from earmark.processors.error import ConfigurationError, ContentError, RejectionClass, ServiceError
from earmark.processors.identity import AnswerKey
from earmark.processors.outcome import Provenance, Rejection, Result, Signal
from earmark.streams.receipt import Disposition, Receipt, ReceiptCodec, Ruling, ruling

TOPICS = ("signals.text.language.v1", "signals.audio.loudness.v1")


def event(revision: int = 1, **changes: object) -> ContentEvent:
    whole = ContentEvent(
        event_id=f"e{revision}",
        content_id="item",
        revision=revision,
        texts=(Text(field="title", text="a title"),),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # fields vary by test


def signal(
    of: ContentEvent, *, digest: str, name: str = "text.language", **result: object
) -> Signal:
    return Signal(
        name=name,
        major=1,
        signal_id="0" * 32,
        event=of,
        result=Result.ok() if not result else Result(**result),  # type: ignore[arg-type]  # likewise
        provenance=Provenance(
            input_digest=digest,
            model_name="m",
            model_version="1",
            model_sha256=None,
            preprocessing_version="1",
            taxonomy=None,
            taxonomy_version=None,
            thresholds_version=None,
            config_hash="c",
            pipeline_version="0",
            device="cpu",
            precision="fp32",
        ),
    )


def rejection(of: ContentEvent) -> Rejection:
    error = ContentError(RejectionClass.MEDIA_UNREACHABLE, "does not answer", part="audio")
    return Rejection(event=of, error=error)


def answered(*digests: str, before: Receipt | None = None, first: int = 1) -> Ruling:
    """The ruling on the last of several revisions, each with an answer from its digest."""
    last = Ruling(receipt=before or Receipt(content_id="item"))
    for revision, digest in enumerate(digests, start=first):
        each = event(revision)
        last = ruling(last.receipt, each, [signal(each, digest=digest)], topics=TOPICS)
    return last


def test_a_first_event_is_answered():
    first = answered("a")
    assert [outcome.topic for outcome in first.outcomes] == [TOPICS[0]]
    assert first.receipt.disposition == Disposition.ANSWERED
    assert (first.receipt.event_id, first.receipt.revision) == ("e1", 1)


@pytest.mark.parametrize("late", [0, 1, 2])
def test_what_is_not_newer_writes_nothing_but_its_receipt(late):
    standing = answered("a", "b").receipt
    again = event(late)
    ruled = ruling(standing, again, [signal(again, digest="c")], topics=TOPICS)
    assert (ruled.outcomes, ruled.erased) == ((), ())
    assert ruled.receipt.disposition == Disposition.SUPERSEDED
    assert ruled.receipt.last_revision == late
    assert (ruled.receipt.revision, ruled.receipt.answers) == (2, standing.answers)


def test_an_answer_that_stands_is_not_written_again():
    assert answered("a", "a").outcomes == ()
    assert answered("a", "a").receipt.disposition == Disposition.UNCHANGED
    assert answered("a", "a").receipt.revision == 2


def test_only_the_latest_answer_counts():
    assert [bool(answered(*digests).outcomes) for digests in ("a", "ab", "aba")] == [True] * 3


def test_another_configuration_is_another_answer():
    standing = answered("a").receipt
    again = event(2)
    other = signal(again, digest="a")
    other = replace(other, provenance=replace(other.provenance, config_hash="d"))
    assert ruling(standing, again, [other], topics=TOPICS).outcomes == (other,)


def test_an_error_never_counts_as_an_answer():
    first, second = event(1), event(2)
    failed = signal(first, digest="a", outcome="ERROR")
    standing = ruling(None, first, [failed, rejection(first)], topics=TOPICS).receipt
    assert standing.disposition == Disposition.REJECTED
    assert standing.answers == {}
    good = signal(second, digest="a")
    assert ruling(standing, second, [good], topics=TOPICS).outcomes == (good,)


def test_a_rejected_revision_may_be_tried_again_and_an_older_one_may_not():
    second = event(2)
    standing = ruling(answered("a").receipt, second, [rejection(second)], topics=TOPICS).receipt
    late = ruling(standing, event(1), [signal(event(1), digest="a")], topics=TOPICS)
    assert late.receipt.disposition == Disposition.SUPERSEDED
    good = signal(second, digest="b")
    assert ruling(late.receipt, second, [good], topics=TOPICS).outcomes == (good,)


def test_what_came_too_late_changes_nothing_though_its_revision_may_be_tried_again_by_now():
    second = event(2)
    standing = replace(answered("a", "b").receipt, rejected=True)  # one that was forced failed
    ruled = ruling(standing, second, [], topics=TOPICS, late=True)
    assert (ruled.outcomes, ruled.erased) == ((), ())
    assert ruled.receipt.answers == standing.answers


def test_what_a_deletion_erased_stays_erased():
    gone = ruling(answered("a").receipt, event(2, change=Change.DELETED), [], topics=TOPICS)
    assert gone.erased == TOPICS
    assert gone.receipt.answers == {}
    late = event(1)
    ruled = ruling(gone.receipt, late, [signal(late, digest="a")], topics=TOPICS)
    assert ruled.outcomes == ()
    new = event(3)
    back = ruling(ruled.receipt, new, [signal(new, digest="a")], topics=TOPICS)
    assert back.receipt.disposition == Disposition.ANSWERED


def test_a_deletion_erases_what_the_group_wrote_while_it_had_other_signals():
    standing = answered("a").receipt
    gone = ruling(standing, event(2, change=Change.DELETED), [], topics=TOPICS[1:])
    assert set(gone.erased) == set(TOPICS)


def test_a_part_that_is_gone_takes_its_signals_with_it():
    first, second = event(1), event(2)
    both = [signal(first, digest="a"), signal(first, digest="b", name="audio.loudness")]
    standing = ruling(None, first, both, topics=TOPICS).receipt
    ruled = ruling(standing, second, [signal(second, digest="a")], topics=TOPICS)
    assert ruled.erased == ("signals.audio.loudness.v1",)
    assert ruled.receipt.disposition == Disposition.ANSWERED
    assert ruled.receipt.answers.keys() == {"signals.text.language.v1"}


def test_answers_on_topics_that_this_worker_does_not_write_are_left_alone():
    first, second = event(1), event(2)
    both = [signal(first, digest="a"), signal(first, digest="b", name="audio.loudness")]
    standing = ruling(None, first, both, topics=TOPICS).receipt
    ruled = ruling(standing, second, [signal(second, digest="c")], topics=TOPICS[:1])
    assert ruled.erased == ()
    assert ruled.receipt.answers.keys() == set(TOPICS)


def test_an_answer_that_was_promoted_under_an_event_on_its_way_stands():
    second = event(2)
    standing = answered("a").receipt
    promoted = AnswerKey(input_digest="a", config_hash="better")
    meanwhile = replace(standing, answers={TOPICS[0]: promoted})
    ruled = ruling(meanwhile, second, [], topics=TOPICS, kept=standing.answers)
    assert (ruled.outcomes, ruled.erased) == ((), ())
    assert ruled.receipt.answers == {TOPICS[0]: promoted}


@pytest.mark.parametrize(
    "meanwhile", [{}, {TOPICS[0]: AnswerKey(input_digest="b", config_hash="c")}]
)
def test_an_event_that_was_planned_on_what_stands_no_more_is_not_answered(meanwhile):
    standing = answered("a").receipt
    changed = replace(standing, answers=meanwhile)
    with pytest.raises(ServiceError, match="changed under"):
        ruling(changed, event(2), [], topics=TOPICS, kept=standing.answers)


def test_force_writes_the_same_answer_again_but_no_older_one():
    standing = answered("a", "a").receipt
    for revision, written in ((1, False), (2, True), (3, True)):
        each = event(revision)
        ruled = ruling(standing, each, [signal(each, digest="a")], topics=TOPICS, forced=True)
        assert bool(ruled.outcomes) is written


def test_a_receipt_comes_back_as_it_was_and_only_to_its_own_group():
    receipt = answered("a", "b").receipt
    payload = ReceiptCodec(7, group="one").encode(receipt)
    assert ReceiptCodec(7, group="one").decode(payload) == receipt
    with pytest.raises(ConfigurationError, match="group 'one'"):
        ReceiptCodec(7, group="two").decode(payload)
