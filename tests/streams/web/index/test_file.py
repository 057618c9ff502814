"""The file of the index holds what stands, and nothing of what was erased."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.web.index.file import HISTORY, OF_ITEM, VERSION, IndexFile, forget_items
from tests.streams.web.held import event, gone, held, put, reading, signal

SECRET = "xylophone"
ANSWERS = ("audio.transcript", "text.safety", "text.pii", "text.embedding", "audio.music")


def full(index: IndexFile, content_id: str) -> None:
    """All kinds of rows of an item."""
    put(
        index,
        event(content_id, ("title", f"the {SECRET} player")),
        *(signal(name, content_id) for name in ANSWERS),
        *(signal(name, content_id) for name in ("verdicts.v1", "content.profile.v1")),
        signal("review.requests.v1", content_id),
        signal("rejections.v1", content_id),
    )


def rows(index: IndexFile, content_id: str) -> int:
    return sum(
        index.execute(
            f"SELECT count(*) FROM {table} WHERE content_id = ?",  # noqa: S608  # names of tables
            (content_id,),
        ).fetchone()[0]
        for table in OF_ITEM
    )


def test_an_erased_item_leaves_no_row_and_none_of_its_words(index: IndexFile) -> None:
    full(index, "item-to-go")
    full(index, "item-to-stay")
    put(index, event("item-to-stay", ("title", "another")), at_ms=2_000)
    assert rows(index, "item-to-go") > len(ANSWERS)
    put(index, gone("item-to-go"), at_ms=3_000)
    index.tidy()
    assert rows(index, "item-to-go") == 0
    assert rows(index, "item-to-stay") > len(ANSWERS)
    left = held(index.path)
    assert b"item-to-stay" in left
    assert b"item-to-go" not in left
    assert SECRET.encode() not in left


def test_what_comes_late_of_an_erased_item_is_passed_over(index: IndexFile) -> None:
    put(index, event("a", ("title", "b")), gone("a"), at_ms=5_000)
    put(index, signal("review.requests.v1", "a"), signal("rejections.v1", "a"), at_ms=4_000)
    assert rows(index, "a") == 0
    put(index, event("a", ("title", "made anew")), at_ms=6_000)
    assert rows(index, "a") > 0


def test_an_index_remembers_erasures_when_it_is_opened_again(index: IndexFile) -> None:
    put(index, gone("a"), at_ms=5_000)
    with closing(IndexFile(index.path)) as again:
        put(again, signal("text.safety", "a"), at_ms=4_000)
        assert rows(again, "a") == 0


def test_items_can_be_taken_out_beside_who_follows(index: IndexFile) -> None:
    full(index, "a")
    forget_items(index.path, ["a", "never-there"])
    assert rows(index, "a") == 0
    assert SECRET.encode() not in held(index.path)


def test_the_deletion_of_one_signal_leaves_the_others(index: IndexFile) -> None:
    put(index, signal("text.safety", "a"), signal("audio.music", "a"))
    put(index, gone("a", "signals.text.safety.v1"), at_ms=2_000)
    with reading(index) as reader:
        assert set(reader.standing("a")) == {"audio.music"}
        assert reader.item("a") is not None
    put(index, gone("a", "signals.audio.music.v1"), at_ms=3_000)
    assert rows(index, "a") == 0


def test_history_keeps_the_newest_values_and_no_more(index: IndexFile) -> None:
    put(index, *(signal("audio.loudness", "a") for _ in range(HISTORY + 3)), at_ms=0)
    found = index.execute("SELECT produced_ms FROM history ORDER BY produced_ms").fetchall()
    assert [at for (at,) in found] == list(range(3, HISTORY + 3))


@pytest.mark.parametrize("version", [VERSION + 1, VERSION - 1])
def test_a_file_of_another_version_is_made_again(tmp_path: Path, version: int) -> None:
    path = tmp_path / "inspector.sqlite"
    with closing(IndexFile(path)) as index:
        full(index, "a")
        with index.transaction():
            index.note_places({"content.items.v1:0": 7})
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")
        database.execute("ALTER TABLE items ADD COLUMN of_another_version")
    with closing(IndexFile(path)) as index:
        assert index.places() == {}
        assert rows(index, "a") == 0
        full(index, "b")


def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE diary (day)")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="something else"):
        IndexFile(path)
    assert path.read_bytes() == before


def test_a_whole_record_stands_before_its_redacted_twin(index: IndexFile) -> None:
    said = signal("audio.transcript", "a", text="secret words")
    twin = signal("audio.transcript", "a", text="", segments=[])
    whole = type(said)(
        name=said.name, topic=f"restricted.{said.topic}", key="a", record=said.record
    )
    put(index, whole, twin)
    with reading(index) as reader:
        assert reader.standing("a")["audio.transcript"].record["text"] == "secret words"
    index.forget_topic(whole.topic)
    with reading(index) as reader:
        assert reader.standing("a")["audio.transcript"].record["text"] == ""
