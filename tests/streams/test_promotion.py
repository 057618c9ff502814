"""Which answers of a replay become the live ones."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.processors.codec import encode_signal
from earmark.processors.identity import AnswerKey
from earmark.processors.schema import schema_of
from earmark.streams.promotion import PARTITION, PROMOTE_TO, Promotion, promotion_reader
from earmark.streams.receipt import Disposition, Receipt
from earmark.streams.route import Route
from earmark.streams.topic import CONTENT_EVENTS, ITEMS
from tests.streams.test_receipt import event, signal

TOPIC = "signals.audio.speech.v1"
OLD = AnswerKey(input_digest="audio", config_hash="old")
NEW = replace(OLD, config_hash="new")
OTHER = replace(OLD, input_digest="other audio")


def promotion(revision: int = 5) -> Promotion:
    return Promotion(
        topic=TOPIC, content_id="item", revision=revision, key=NEW, payload=b"", headers=[]
    )


def standing(revision: int, answer: AnswerKey | None) -> Receipt:
    answers = {} if answer is None else {TOPIC: answer}
    return Receipt(content_id="item", revision=revision, answers=answers)


@pytest.mark.parametrize(
    ("receipt", "overtaken"),
    [
        (None, False),  # nobody has answered the item yet
        (standing(5, OLD), False),
        (standing(4, OTHER), False),
        (standing(9, OLD), False),  # newer, but its audio is the same
        (standing(9, OTHER), True),
        (standing(9, None), True),  # its audio is gone, or all of it was erased
        (standing(5, None), False),  # the live worker failed on it
        (standing(5, NEW), True),  # it stands already
    ],
)
def test_an_answer_is_promoted_where_no_newer_one_stands(
    receipt: Receipt | None, overtaken: bool
) -> None:
    assert promotion().overtaken(receipt) is overtaken


def test_of_an_erased_item_nothing_comes_back() -> None:
    gone = replace(standing(6, None), disposition=Disposition.DELETED)
    late = replace(gone, disposition=Disposition.SUPERSEDED)
    assert promotion().overtaken(gone)
    assert promotion().overtaken(late)


def test_a_promoted_answer_stands_and_the_revision_stays() -> None:
    before = standing(9, OLD)
    after = promotion().promoted(before)
    assert after == replace(before, answers={TOPIC: NEW})
    first = promotion().promoted(None)
    assert first.revision < 0  # its events are still to be answered


def test_an_answer_gets_the_type_of_the_topic_that_it_goes_to() -> None:
    made = replace(signal(event(), digest="d", name="audio.speech"), replay_id="r")
    headers = [
        ("ce_type", f"replay.r.{TOPIC}".encode()),
        ("traceparent", b"t"),
        (PARTITION, b"3"),
        (PROMOTE_TO, TOPIC.encode()),
    ]
    message: Any = SimpleNamespace(value=lambda: encode_signal(made, 1), headers=lambda: headers)
    read = promotion_reader(lambda _: schema_of(TOPIC).definition)(message)
    assert read.headers == [("traceparent", b"t"), ("ce_type", TOPIC.encode())]


@pytest.mark.parametrize(
    ("source", "known"), [(CONTENT_EVENTS, True), (ITEMS, True), ("content.other.v1", False)]
)
def test_where_an_item_lies_is_known_of_our_own_topics_alone(source: str, known: bool) -> None:
    assert Route(source=source, run="r").keeps_partitions is known
