"""The tests that another team writes for its subscriber, with nothing but the public kit."""

import pytest

import earmark
from earmark.testing import OUTCOMES, Bus, Clock, record, records, signal_names
from tests.streams.testing.board import Board


def followed(**options: object) -> Board:
    board = Board()
    with earmark.subscribe("text.safety", from_beginning=True, timeout_s=1, **options) as signals:  # type: ignore[arg-type]
        board.follow(signals)
    return board


def test_harms_are_kept_by_item(earmark_bus: Bus) -> None:
    earmark_bus.publish("text.safety", record("text.safety", content_id="ep-1", labels=["hate"]))
    earmark_bus.publish("text.safety", record("text.safety", content_id="ep-2", labels=[]))
    assert followed().harms == {"ep-1": ["hate"], "ep-2": []}


@pytest.mark.parametrize("outcome", OUTCOMES[1:])
def test_an_item_of_which_nothing_is_said_loses_what_it_had(outcome: str, earmark_bus: Bus) -> None:
    earmark_bus.publish("text.safety", record("text.safety", content_id="ep-1"))
    for sample in records("text.safety", outcome, content_id="ep-1"):
        earmark_bus.publish(sample)
    board = followed()
    assert board.harms == {}
    assert board.unsaid.keys() == {"ep-1"}


def test_a_deleted_item_is_forgotten(earmark_bus: Bus) -> None:
    earmark_bus.publish("text.safety", record("text.safety", content_id="ep-1"))
    earmark_bus.delete("text.safety", "ep-1")
    board = followed()
    assert (board.harms, board.unsaid, board.seen["DELETED"]) == ({}, {}, 1)


def test_it_takes_every_record_that_the_signal_may_send(earmark_bus: Bus) -> None:
    for sample in records("text.safety"):
        earmark_bus.publish(sample)
    assert followed().seen.keys() == {*OUTCOMES, "DELETED"}


def test_times_are_those_of_the_clock(earmark_bus: Bus, earmark_clock: Clock) -> None:
    earmark_clock.advance(3600)
    earmark_bus.publish("text.safety", record("text.safety"))
    assert followed().last_ms == earmark_clock.now_ms


def test_conditions_are_those_of_a_subscription(earmark_bus: Bus) -> None:
    for score in (0.25, 0.75):
        earmark_bus.publish(
            "text.safety", record("text.safety", content_id=f"{score}", scores={"hate": score})
        )
    assert followed(where="scores.hate>0.5").harms.keys() == {"0.75"}


def test_there_are_records_of_all_signals() -> None:
    assert {"audio.loudness", "text.safety", "content.explicit"} <= set(signal_names())
