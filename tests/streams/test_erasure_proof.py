"""What is said of a store, from the records that are found there."""

from collections.abc import Sequence

import pytest

from earmark.streams.erasure import store_of
from earmark.streams.erasure_proof import StoreFinding, is_erased, topic_findings
from earmark.streams.erasure_trace import Kind, TopicTraces, Trace
from earmark.streams.lifetime import FOREVER, HOUSEKEEPING_MS, Lifetime
from earmark.streams.topic import CONTENT_EVENTS, RECEIPTS

DAY = 86_400_000
SPEECH = "signals.audio.speech.v1"


def lifetime(*, compacts: bool, ends: bool = True) -> Lifetime:
    return Lifetime(
        compacts=compacts,
        deletes=not compacts,
        timed=True,
        segment_ms=DAY,
        retention_ms=30 * DAY if ends else FOREVER,
        min_lag_ms=7 * DAY,
        max_lag_ms=8 * DAY if ends else FOREVER,
    )


def topic(
    name: str, *records: Trace, kind: Kind = Kind.OTHER, ends: bool = True, compacts: bool = True
) -> TopicTraces:
    return TopicTraces(
        topic=name,
        store=store_of(name),
        kind=kind,
        lifetime=lifetime(compacts=compacts, ends=ends),
        records={"item": list(records)},
        newest_ms=dict.fromkeys(range(8), 0),
    )


def trace(offset: int, at_ms: int = 0, *, partition: int = 0, **others: object) -> Trace:
    fields = {"empty": False} | others
    return Trace(partition=partition, offset=offset, arrived_ms=at_ms, **fields)  # type: ignore[arg-type]  # fields vary by test


def tombstone(offset: int, at_ms: int = 0, *, partition: int = 0) -> Trace:
    return trace(offset, at_ms, partition=partition, empty=True)


def receipts(*, erased: int | None) -> TopicTraces:
    last = trace(0, revision=erased, empty=True) if erased is not None else trace(0, revision=9)
    return topic(RECEIPTS, last, kind=Kind.RECEIPT)


def found(*topics: TopicTraces, now_ms: int = 0) -> StoreFinding:
    """What is said of the first of the topics."""
    return next(iter(topic_findings(topics, "item", now_ms=now_ms)))


def test_what_nothing_is_left_of_is_gone() -> None:
    said = found(topic(SPEECH))
    assert (said.state, said.until_ms, said.reason) == ("GONE", None, "")
    assert found(topic(SPEECH, tombstone(1))).state == "GONE"


def test_what_a_tombstone_covers_goes_by_compaction() -> None:
    said = found(topic(SPEECH, trace(1, 5), trace(2, 6), tombstone(3, 7)))
    assert said.state == "COVERED"
    ends = [it.until_ms for it in said.remnants]
    assert ends == [6 + 8 * DAY + HOUSEKEEPING_MS, 7 + 8 * DAY + HOUSEKEEPING_MS]
    assert said.until_ms == ends[-1]


@pytest.mark.parametrize(
    ("records", "place"),
    [
        ((trace(1),), "0-1"),
        ((tombstone(1), trace(2)), "0-2"),
        ((trace(4), tombstone(7, partition=1)), "0-4"),  # in another partition it covers nothing
    ],
)
def test_what_no_tombstone_covers_stands(records: Sequence[Trace], place: str) -> None:
    said = found(topic(SPEECH, *records))
    assert said.state == "STILL_THERE"
    assert said.reason == f"{place} stands: no tombstone"
    assert not is_erased([said])


def test_older_events_are_held_until_their_retention_is_over() -> None:
    events = topic(CONTENT_EVENTS, trace(1, 5, revision=3), kind=Kind.EVENT, compacts=False)
    said = found(events, receipts(erased=3))
    assert (said.state, said.until_ms) == ("HELD", 5 + 31 * DAY + HOUSEKEEPING_MS)


@pytest.mark.parametrize("erased", [2, None])
def test_an_event_that_no_deletion_supersedes_could_come_back(erased: int | None) -> None:
    events = topic(CONTENT_EVENTS, trace(1, revision=3), kind=Kind.EVENT, compacts=False)
    said = found(events, receipts(erased=erased))
    assert said.state == "STILL_THERE"
    assert said.reason == "0-1 is of revision 3: no deletion supersedes it"


def test_a_group_that_has_not_erased_the_item_could_bring_it_back() -> None:
    events = topic(CONTENT_EVENTS, trace(1, revision=3), kind=Kind.EVENT, compacts=False)
    assert found(events, receipts(erased=9), receipts(erased=None)).state == "STILL_THERE"


def test_a_receipt_with_answers_stands() -> None:
    said = found(receipts(erased=None))
    assert said.reason == "0-0 stands: the deletion has not been answered"


def test_what_has_no_end_is_no_erasure() -> None:
    covered = topic(SPEECH, trace(1), tombstone(2), ends=False)
    held = topic("replay.r.x", trace(1), compacts=False, ends=False)
    for said in (found(covered), found(held)):
        assert said.state == "STILL_THERE"
        assert said.reason == "0-1 has no end, by the configuration of the topic"


def test_what_should_have_gone_is_told() -> None:
    # where no record comes to a partition, Kafka compacts nothing there
    quiet = topic(SPEECH, trace(1), tombstone(2))
    said = found(quiet, now_ms=9 * DAY)
    assert said.state == "STILL_THERE"
    assert said.reason.startswith("0-1 should have gone by 1970-01-09T00:10Z; the last record")


def test_a_topic_that_the_table_does_not_name_is_judged_by_its_policy() -> None:
    said = found(topic("content.strange.v1", trace(1)))
    assert said.reason == "0-1 stands: the topic is not in the table of erasure"
