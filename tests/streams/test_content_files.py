"""Content events from files."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import INLINE_AUDIO_BYTES, ContentEvent, Text, validated
from earmark.streams.content_files import (
    BEGINNING,
    Bookmark,
    ReadEvent,
    events_from,
    proof,
    read_events,
    survey,
    template,
)


def one(path: Path, **given: str) -> ContentEvent:
    (event,) = events_from([path], **given)  # type: ignore[arg-type]  # keywords of one type here
    return validated(event)


def reads(*paths: Path, start: Bookmark = BEGINNING) -> list[ReadEvent]:
    given = template(content_type="OTHER", language=None, source="tests", tenant="")
    return list(read_events(paths, given, start=start))


def jsonl(folder: Path, *lines: object) -> Path:
    path = folder / "events.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_a_small_recording_travels_inline(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(b"abc")
    audio = one(tmp_path / "song.mp3").audio
    assert audio is not None
    assert (audio.data, audio.uri, audio.size_bytes) == (b"abc", None, 3)
    assert audio.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert audio.media_type == "audio/mpeg"


def test_a_large_recording_travels_by_claim_check(tmp_path: Path) -> None:
    data = bytes(INLINE_AUDIO_BYTES + 1)
    (tmp_path / "my song.wav").write_bytes(data)
    audio = one(tmp_path / "my song.wav").audio
    assert audio is not None
    assert audio.uri == (tmp_path / "my song.wav").as_uri()
    assert (audio.data, audio.size_bytes) == (None, len(data))
    assert audio.sha256 == hashlib.sha256(data).hexdigest()


def test_a_text_file_fills_the_field_of_its_content_type(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeffHello", encoding="utf-8")
    assert one(tmp_path / "a.txt").texts == (Text(field="text", text="Hello"),)
    event = one(tmp_path / "a.txt", content_type="LYRICS", language="en")
    assert event.texts == (Text(field="lyrics", text="Hello", language="en"),)
    assert (event.content_type, event.language) == ("LYRICS", "en")


def test_a_folder_gives_what_it_holds_sorted_and_passes_over_the_rest(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/two.flac", "one.mp3", "cover.jpg", "b/.hidden.mp3"):
        (tmp_path / name).write_bytes(b"x")
    assert [event.content_id for event in events_from([tmp_path])] == ["b/two", "one"]


def test_each_file_has_a_content_id_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("a.mp3", "a.wav", "x/a.wav"):
        (tmp_path / name).write_bytes(b"x")
    paths = [tmp_path / "a.mp3", tmp_path / "a.wav", tmp_path / "x" / "a.wav"]
    events = list(events_from(paths))
    assert [event.content_id for event in events] == ["a", "a.wav", str(paths[2])]
    assert len({event.event_id for event in events}) == 3


def test_what_is_made_later_is_a_newer_revision(tmp_path: Path) -> None:
    line = {"content_id": "c", "texts": [{"field": "title", "text": "T"}]}
    lines = jsonl(tmp_path, line, line)
    first, second = events_from([lines])
    third, _ = events_from([lines])
    assert 0 < first.revision < second.revision < third.revision


def test_a_line_says_what_it_says_and_the_defaults_the_rest(tmp_path: Path) -> None:
    line = {
        "content_id": "c",
        "audio": {"uri": "https://example.org/a.mp3"},
        "texts": [{"field": "title", "text": "T", "language": None}],
        "content_type": "TRACK",
        "revision": 7,
    }
    event = one(jsonl(tmp_path, line), source="test", content_type="CLIP")
    assert event.audio is not None
    assert event.audio.uri == "https://example.org/a.mp3"
    assert event.texts == (Text(field="title", text="T"),)
    assert (event.content_type, event.revision, event.source) == ("TRACK", 7, "test")
    assert event.event_time > 0


def test_a_relative_uri_is_a_file_beside_the_lines(tmp_path: Path) -> None:
    (tmp_path / "a b.wav").write_bytes(b"x")
    event = one(jsonl(tmp_path, {"content_id": "c", "audio": {"uri": "a b.wav"}}))
    assert event.audio is not None
    assert event.audio.uri == (tmp_path / "a b.wav").as_uri()


def test_inline_audio_in_a_line_is_base64(tmp_path: Path) -> None:
    event = one(jsonl(tmp_path, {"content_id": "c", "audio": {"data": "AAEC"}}))
    assert event.audio is not None
    assert event.audio.data == b"\x00\x01\x02"


def test_a_lone_surrogate_passes(tmp_path: Path) -> None:
    line = {"content_id": "c", "texts": [{"field": "title", "text": "\ud800"}]}
    assert one(jsonl(tmp_path, line)).texts[0].text == "\ud800"


def test_unknown_fields_can_be_ignored(tmp_path: Path) -> None:
    line = {
        "content_id": "c",
        "isrc": "X",
        "audio": {"uri": "https://example.org/a", "bitrate": 3},
        "texts": [{"field": "title", "text": "T", "origin": "web"}],
    }
    (event,) = events_from([jsonl(tmp_path, line)], ignore_unknown=True)
    assert event.texts == (Text(field="title", text="T"),)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of all kinds of files, with names that meet and blank lines."""
    pq.write_table(pa.table({"content_id": ["p1", "p2", "p3"]}), tmp_path / "c.parquet")
    (tmp_path / "b.jsonl").write_text('{"content_id": "l1"}\n\n{"content_id": "l2"}')
    for name in ("a.mp3", "a.txt", "a.wav", "d.wav"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_reading_goes_on_behind_any_bookmark(mixed: Path) -> None:
    paths = (mixed, mixed / "b.jsonl", mixed / "a.mp3")
    whole = reads(*paths)
    names = [read.event.content_id for read in whole]
    folder = ["a", "a.txt", "a.wav", "l1", "l2", "p1", "p2", "p3", "d"]
    assert names == [*folder, "l1", "l2", "a.mp3"]
    for number, read in enumerate(whole, start=1):
        assert read.bookmark.events == number
        assert reads(*paths, start=read.bookmark) == whole[number:]
    assert whole[-1].bookmark.done_bytes == survey(paths)


def test_a_line_without_end_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark.streams.content_files.LINE_BYTES", 100)
    path = tmp_path / "events.jsonl"
    path.write_text('{"content_id": "good"}\n' + "x" * 1_000)
    with pytest.raises(ConfigurationError, match="line 2: more than 100 bytes"):
        reads(path)


def test_other_files_than_those_of_a_bookmark_are_refused(mixed: Path) -> None:
    whole = reads(mixed)
    (mixed / "a.aac").touch()
    with pytest.raises(ConfigurationError, match="other files than before"):
        reads(mixed, start=whole[4].bookmark)
    (mixed / "a.aac").unlink()
    (mixed / "d.wav").unlink()
    with pytest.raises(ConfigurationError, match=r"d\.wav is not there any more"):
        reads(mixed, start=whole[-1].bookmark)


def test_a_bookmark_fits_what_follows_it_and_not_what_moved_it(mixed: Path) -> None:
    whole = reads(mixed)
    lines, rows = whole[3].bookmark, whole[6].bookmark
    before = proof(lines), proof(rows)
    path = mixed / "b.jsonl"
    path.write_text(path.read_text() + "\n" + '{"content_id": "new"}')
    assert proof(lines) == before[0]
    path.write_text('{"content_id": "earlier"}\n' + path.read_text())
    assert proof(lines) != before[0]
    pq.write_table(pa.table({"content_id": ["p0", "p1", "p2"]}), mixed / "c.parquet")
    assert proof(rows) != before[1]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"content_id": ', "not JSON: Expecting value at column 16"),
        ("[1]", "not a JSON object"),
        ('{"texts": []}', "content_id is missing"),
        ('{"content_id": 3}', "content_id must be a string"),
        ('{"content_id": "c", "text": "x"}', "text is not a field"),
        ('{"content_id": "c", "texts": [{"field": "t"}]}', "texts.0.text is missing"),
        ('{"content_id": "c", "revision": "two"}', "revision"),
        ('{"content_id": "c", "audio": {"data": "?"}}', "audio.data is not base64"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"content_id": "good", "texts": []}\n\n' + line + "\n")
    with pytest.raises(ConfigurationError) as caught:
        list(events_from([path]))
    assert f"{path}, line 3: " in str(caught.value)
    assert problem in str(caught.value)


def test_paths_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "missing.mp3", tmp_path / "latin.txt", tmp_path / "empty"):
        with pytest.raises(ConfigurationError, match=path.name):
            list(events_from([path]))
