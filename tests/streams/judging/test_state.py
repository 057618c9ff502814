"""The state of a partition: what it holds, and up to where."""

from pathlib import Path

import pytest

from earmark.streams.judging.item_view import ItemView
from earmark.streams.judging.state import Arrival, PartitionState
from earmark.streams.topic import PROFILES, VERDICTS

BEGINNING = (2**63 - 1, "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0.sqlite"


def arrival(item: str, offset: int, payload: bytes | None = b"x", topic: str = VERDICTS) -> Arrival:
    return Arrival(
        topic=topic, partition=0, offset=offset, content_id=item, payload=payload, at_ms=offset
    )


def test_records_and_offsets_are_kept_together_or_not_at_all(path: Path) -> None:
    state = PartitionState(path)
    state.put(arrival("a", 4, topic=PROFILES))
    state.advance(PROFILES, 5)
    state.commit()
    state.put(arrival("b", 5, topic=PROFILES))
    state.advance(PROFILES, 6)
    state.close()
    again = PartitionState(path)
    assert again.position(PROFILES) == 5
    assert (list(again.held("a")), list(again.held("b"))) == ([PROFILES], [])


def test_an_offset_never_goes_back(path: Path) -> None:
    state = PartitionState(path)
    state.advance(PROFILES, 9)
    state.advance(PROFILES, 3)
    assert state.position(PROFILES) == 9


def test_a_tombstone_leaves_nothing_unless_its_place_is_to_be_kept(path: Path) -> None:
    state = PartitionState(path)
    state.put(arrival("a", 1))
    state.put(arrival("a", 2, payload=None), forget=False)
    assert (state.held("a"), state.held_offset("a", VERDICTS)) == ({}, 2)
    state.put(arrival("a", 2, payload=None))
    assert state.held_offset("a", VERDICTS) == -1


def test_questions_about_items_that_are_gone_are_forgotten(path: Path) -> None:
    state = PartitionState(path)
    state.put(arrival("here", 1, topic=PROFILES))
    for item in ("here", "gone"):
        state.put_request(item, "q", item.encode())
    state.forget_requests_of_the_gone()
    assert list(state.requests()) == [b"here"]


def test_what_was_judged_is_known_by_the_policies(path: Path) -> None:
    state = PartitionState(path)
    for item in "abc":
        state.put(arrival(item, 1))
    assert state.judged_to("old") == ""
    assert state.items_after("", 2) == ["a", "b"]
    state.note_judged("old", "b")
    assert (state.judged_to("old"), state.items_after("b", 2)) == ("b", ["c"])
    state.note_judged("old", None)
    assert (state.judged_to("old"), state.judged_to("new")) == (None, "")


def test_the_newest_verdicts_are_found_by_effect_and_policy(path: Path) -> None:
    state = PartitionState(path)
    for at_ms, item, effect in ((1, "a", "limit"), (2, "b", "label"), (3, "c", "limit")):
        state.put(arrival(item, at_ms, payload=item.encode()))
        state.show(item, at_ms, [("p", "r1", effect), ("p", "r2", effect)])
    state.hide("a")
    state.commit()
    with ItemView([path]) as view:

        def newest(**wanted: str | None) -> list[str]:
            asked = {"effect": None, "policy": None} | wanted
            return [row[1] for row in view.newest(before=BEGINNING, limit=9, **asked)]

        assert (newest(), newest(effect="limit")) == (["c", "b"], ["c"])
        assert (newest(policy="p"), newest(policy="other")) == (["c", "b"], [])
        assert view.newest(effect=None, policy=None, before=(3, "c"), limit=1)[0][1] == "b"
        assert view.counts() == (
            {
                ("p", "r1", "label"): 1,
                ("p", "r1", "limit"): 1,
                ("p", "r2", "label"): 1,
                ("p", "r2", "limit"): 1,
            },
            2,
        )


def test_of_a_topic_that_is_not_followed_any_more_nothing_is_kept(path: Path) -> None:
    state = PartitionState(path)
    for topic in (PROFILES, VERDICTS):
        state.put(arrival("a", 1, topic=topic))
        state.advance(topic, 2)
    state.keep_topics([VERDICTS])
    assert (list(state.held("a")), state.position(PROFILES)) == ([VERDICTS], 0)
    assert state.position(VERDICTS) == 2
