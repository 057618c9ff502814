"""Items are found by words, labels and types; what is written is never read as a query language."""

from dataclasses import replace

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.index.search import Found, Wanted, found_items
from tests.streams.web.held import event, put, reading, signal

HOSTILE = (
    *('"', "'", "a OR b", "NEAR(a b)", "text: a", "a*", "^a", "-a", "(", ")", "a AND", "{a b}"),
    *("%", "_", "; DROP TABLE items", "\x00", "\u202e", "<script>", "a" * 100_000, "a " * 5_000),
)


def found(index: IndexFile, **wanted: object) -> Found:
    with reading(index) as reader:
        return found_items(reader, Wanted(**wanted))  # type: ignore[arg-type]


def ids(index: IndexFile, **wanted: object) -> list[str]:
    return [row["content_id"] for row in found(index, **wanted).items]


@pytest.mark.parametrize("words", HOSTILE)
def test_any_words_can_be_asked_for(index: IndexFile, words: str) -> None:
    put(index, event("a", ("title", "a b")))
    found(index, words=words)
    found(index, content_id=words, label=words, language=words, content_type=words, signal=words)


def test_all_words_are_wanted_and_operators_are_words(index: IndexFile) -> None:
    put(index, event("both", ("title", "night and day")), event("one", ("title", "only night")))
    assert ids(index, words="day night") == ["both"]
    assert ids(index, words="night OR nothing") == []
    assert sorted(ids(index, words="nig")) == ["both", "one"]


def test_words_are_found_in_what_is_said(index: IndexFile) -> None:
    put(index, event("a", ("title", "x")), signal("audio.transcript", "a", text="So my fellows."))
    (row,) = found(index, words="fellows").items
    assert [part["text"] for part in row["snippet"] if part["hit"]] == ["fellows"]


@pytest.mark.parametrize("broken", ["day \ud800", "\udc00 day", "day \ud800 and \ud83d\ude00"])
def test_a_text_that_is_no_unicode_is_found_by_what_else_is_in_it(
    index: IndexFile, broken: str
) -> None:
    made = event("a", ("title", "x"))  # no writer of ours lets such a text pass, but others do
    texts = [{"field": "title", "text": broken, "language": None}]
    put(index, replace(made, record={**(made.record or {}), "texts": texts}))
    (row,) = found(index, words="day").items
    assert "\N{REPLACEMENT CHARACTER}" in row["title"]
    row["title"].encode()


def test_personal_data_is_in_no_title_and_no_snippet_and_is_not_found(index: IndexFile) -> None:
    text = "Write to ann@example.org today"
    span = {"field": "title", "start": 9, "end": 24, "kind": "email", "score": 1.0}
    put(index, event("a", ("title", text)), signal("text.pii", "a", spans=[span]))
    (row,) = found(index, words="today").items
    assert row["title"].startswith("Write to \N{BULLET}")
    assert "example" not in str(row)
    assert ids(index, words="example") == []


def test_an_item_without_a_title_opens_with_its_text_once_what_is_personal_is_known(
    index: IndexFile,
) -> None:
    text = "Write to ann@example.org today, " + "and tomorrow " * 20
    span = {"field": "comment", "start": 9, "end": 24, "kind": "email", "score": 1.0}
    put(index, event("a", ("comment", text)))
    assert found(index).items[0]["snippet"] is None
    put(index, signal("text.pii", "a", spans=[span]))
    (part,) = found(index).items[0]["snippet"]
    assert part["text"].startswith("Write to \N{BULLET}")
    assert "today" in part["text"]
    assert "example" not in part["text"]
    assert len(part["text"]) < len(text)


def test_labels_are_found_by_how_sure_they_are(index: IndexFile) -> None:
    put(
        index,
        signal("text.safety", "sure", scores={"hate": 0.9}, labels=["hate"]),
        signal("text.safety", "unsure", scores={"hate": 0.4}, labels=[]),
    )
    assert ids(index, label="hate") == ["sure"]
    assert ids(index, label="hate", min_score=0.8) == ["sure"]
    assert sorted(ids(index, label="hate", min_score=0.3)) == ["sure", "unsure"]
    assert ids(index, label="hate", signal="audio.music") == []
    assert ids(index, signal="text.safety", outcome="ERROR") == []


@pytest.mark.parametrize("words", [None, "song"])
def test_pages_show_every_item_once(index: IndexFile, words: str | None) -> None:
    names = [f"item-{number}" for number in range(7)]
    put(index, *(event(name, ("title", f"song {name}")) for name in names))
    shown, after = [], None
    while True:
        page = found(index, words=words, limit=3, after=after)
        shown += [row["content_id"] for row in page.items]
        if (after := page.next) is None:
            break
    assert sorted(shown) == names
    assert shown == (names[::-1] if words is None else names)


@pytest.mark.parametrize("after", ["x", "W10", "bnVsbA", "\x00", "WzEsMiwzLDRd"])
def test_a_place_that_was_not_given_here_is_a_mistake(index: IndexFile, after: str) -> None:
    with pytest.raises(ConfigurationError, match="after"):
        found(index, after=after)


def test_an_item_is_complete_when_all_its_signals_are_there(index: IndexFile) -> None:
    given = event("a", ("comment", "hello"), content_type="COMMENT", audio=None)
    put(index, given)
    (row,) = found(index).items
    assert row["complete"] is False
    wanted = ("language", "safety", "embedding", "pii", "topics", "quality", "sentiment")
    put(index, *(signal(f"text.{name}", "a") for name in wanted))
    (row,) = found(index).items
    assert (row["complete"], row["signals"]) == (True, len(wanted))
