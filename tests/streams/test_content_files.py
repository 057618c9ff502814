"""Content events from files."""

import hashlib
import json
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import INLINE_AUDIO_BYTES, ContentEvent, Text, validated
from earmark.streams.content_files import events_from


def one(path: Path, **given: str) -> ContentEvent:
    (event,) = events_from([path], **given)  # type: ignore[arg-type]  # keywords of one type here
    return validated(event)


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


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"content_id": ', "not JSON"),
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
