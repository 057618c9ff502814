"""The table of erasure names every store, and says of each what its topic's policy does."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from earmark.streams.erasure import STORES, Reach, erased_by_tombstone, store_of
from earmark.streams.redrive import marker_topic
from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    MADE_OF_ANSWERS,
    Topic,
    contract,
    restricted_topics,
    signal_topics,
)

POLICIES = {
    Reach.TOMBSTONE: "compact",
    Reach.NO_CONTENT: "delete",
    Reach.EMPTIED: "compact",
    Reach.RETENTION: "delete",
}


@pytest.mark.parametrize("topic", contract(), ids=lambda topic: topic.name)
def test_the_table_names_every_topic_of_the_contract(topic: Topic) -> None:
    store = store_of(topic.name)
    assert store is not None
    assert POLICIES[store.reach] == topic.config["cleanup.policy"]


def test_the_table_names_the_topics_that_come_and_go() -> None:
    others = ("replay.r1.signals.text.safety.v1", "shadow.x.signals.text.safety.v1")
    found = [store_of(name) for name in (*others, marker_topic(CONTENT_EVENTS))]
    assert [it.reach for it in found if it] == [Reach.RETENTION, Reach.RETENTION, Reach.NO_CONTENT]


def test_the_receipts_of_a_group_of_its_own_are_receipts() -> None:
    mine = store_of("ours.v1", receipts_topic="ours.v1")
    assert mine is not None
    assert mine.reach is Reach.EMPTIED
    assert store_of("ours.v1") is None


def test_no_name_stands_for_topics_that_are_still_to_come() -> None:
    # a new topic is to be named by someone who has thought of how erasure reaches it
    open_names = {store.name for store in STORES if store.topic and "*" in store.name}
    answers = {"signals.*", "restricted.signals.*"}
    assert open_names == {*answers, "replay.*", "shadow.*", "content.receipts.*"}
    assert store_of("content.profile.v9") is None


def test_every_topic_is_in_one_row() -> None:
    for topic in contract():
        rows = [it for it in STORES if it.topic and fnmatchcase(topic.name, it.name)]
        assert len(rows) == 1


def test_answers_and_the_item_itself_get_tombstones() -> None:
    answers = {*signal_topics(), *restricted_topics()}
    assert set(erased_by_tombstone()) == {ITEMS, *MADE_OF_ANSWERS, *answers}


@pytest.mark.parametrize("name", [store.name for store in STORES])
def test_the_readme_names_every_store(name: str) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("| store | erasure | gone |") :].split("\n\n")[0]
    assert name in table.replace("`", "")
