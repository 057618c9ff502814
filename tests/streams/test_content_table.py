"""Parquet as content events."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.streams.content_files import events_from
from earmark.streams.content_table import rows_from

DIGEST = "ab" * 32


def parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "catalogue.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def events(path: Path, **given: Any) -> list[ContentEvent]:
    return list(events_from([path], **given))


def complaint(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        events(path)
    return str(caught.value)


def test_nested_columns_are_those_of_json_lines(tmp_path: Path) -> None:
    columns = {
        "content_id": ["a", "b"],
        "revision": [7, None],
        "content_type": ["TRACK", None],
        "event_time": [datetime(2024, 5, 1, tzinfo=UTC), None],
        "regions": [["DE", "FR"], None],
        "attributes": pa.array([[("isrc", "X1")], None], pa.map_(pa.string(), pa.string())),
        "audio": [{"uri": "https://example.org/a.mp3", "size_bytes": 3}, None],
        "texts": [[{"field": "title", "text": "A"}], [{"field": "title", "text": "B"}]],
    }
    first, second = events(parquet(tmp_path, columns), content_type="CLIP", language="en")
    assert first.audio == Audio(uri="https://example.org/a.mp3", size_bytes=3)
    assert first.texts == (Text(field="title", text="A"),)
    assert (first.revision, first.content_type, first.regions) == (7, "TRACK", ("DE", "FR"))
    assert (first.event_time, first.attributes) == (1_714_521_600_000, {"isrc": "X1"})
    # a null says nothing: what the caller gave stands
    assert (second.audio, second.content_type, second.language) == (None, "CLIP", "en")
    assert second.revision > 1_000_000


def test_flat_columns_are_audio_and_texts(tmp_path: Path) -> None:
    columns = {
        "content_id": ["a", "b", "c"],
        "audio_uri": ["https://example.org/a.mp3", None, "b.wav"],
        "audio_sha256": [DIGEST, None, None],
        "audio_size_bytes": [3, None, None],
        "audio_media_type": ["audio/mpeg", None, None],
        "text_title": ["A", None, None],
        "text_lyrics": [None, "La la", None],
    }
    first, second, third = events(parquet(tmp_path, columns))
    assert first.audio == Audio(
        uri="https://example.org/a.mp3", sha256=DIGEST, size_bytes=3, media_type="audio/mpeg"
    )
    assert first.texts == (Text(field="title", text="A"),)
    assert (second.audio, second.texts) == (None, (Text(field="lyrics", text="La la"),))
    assert third.audio == Audio(uri=(tmp_path / "b.wav").as_uri())


def test_inline_audio_is_bytes_or_base64(tmp_path: Path) -> None:
    for data in (b"\x00\x01", "AAE="):
        (event,) = events(parquet(tmp_path, {"content_id": ["a"], "audio_data": [data]}))
        assert event.audio == Audio(data=b"\x00\x01")


def test_a_struct_of_nulls_is_no_audio(tmp_path: Path) -> None:
    audio = pa.array([{"uri": None, "sha256": None}])
    assert events(parquet(tmp_path, {"content_id": ["a"], "audio": audio}))[0].audio is None


def test_columns_that_events_do_not_have_are_named_unless_they_are_ignored(tmp_path: Path) -> None:
    columns = {
        "content_id": ["a"],
        "isrc": ["X"],
        "audio": [{"uri": "https://example.org/a", "bitrate": 3}],
        "texts": [[{"field": "title", "text": "A", "origin": "web"}]],
    }
    path = parquet(tmp_path, columns)
    assert "do not have: isrc, audio.bitrate, texts.origin" in complaint(path)
    (event,) = events(path, ignore_unknown=True)
    assert event.audio == Audio(uri="https://example.org/a")
    assert event.texts == (Text(field="title", text="A"),)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"content_id": ["a", None]}, "row 2: content_id is missing"),
        ({"content_id": ["a", "b"], "audio_uri": [1, 2]}, "row 1: audio.uri must be a string"),
        ({"content_id": [1, 2]}, "row 1: content_id must be a string"),
        ({"content_id": ["a", "b"], "audio_data": ["AAE=", "?"]}, "row 2: audio.data is not base"),
        ({"title": ["a"]}, "no column content_id"),
        ({"content_id": ["a"], "audio": [{"uri": "x:"}], "audio_uri": ["x:"]}, "both a column"),
    ],
)
def test_a_row_or_a_column_that_cannot_be_used_is_named(
    tmp_path: Path, columns: dict[str, list[Any]], problem: str
) -> None:
    path = parquet(tmp_path, columns)
    assert str(path) in complaint(path)
    assert problem in complaint(path)


def test_text_that_is_no_utf8_is_named_by_its_row(tmp_path: Path) -> None:
    text = pa.array([b"good", b"caf\xe9"]).view(pa.string())
    path = parquet(tmp_path, {"content_id": ["a", "b"], "text_title": text})
    assert f"{path}, row 2: " in complaint(path)


def test_a_file_that_is_no_parquet_or_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"this is text, whatever its name says")
    assert f"{path}: cannot be read as Parquet" in complaint(path)
    path = parquet(tmp_path, {"content_id": [f"item {n}" for n in range(10_000)]})
    data = bytearray(path.read_bytes())
    data[100:5_000] = bytes(4_900)
    path.write_bytes(data)
    assert f"{path}, row group 1: cannot be read as Parquet" in complaint(path)


@pytest.mark.parametrize("skip", [0, 1, 9, 10, 11, 35, 40])
def test_rows_can_be_skipped_across_row_groups_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skip: int
) -> None:
    monkeypatch.setattr("earmark.streams.content_table.BATCH_ROWS", 4)
    names = [f"item {n}" for n in range(40)]
    path = parquet(tmp_path, {"content_id": names}, row_group_size=10)
    assert [values["content_id"] for values in rows_from(path, skip=skip)] == names[skip:]


def test_who_reads_no_table_pays_for_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"content_id": "a"}')
    code = (
        "import sys; from earmark.streams.content_files import events_from\n"
        f"assert len(list(events_from([{str(tmp_path)!r}]))) == 1\n"
        "assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parts_of_a_table_in_a_folder_are_read_in_order(tmp_path: Path) -> None:
    for number in range(3):
        pq.write_table(
            pa.table({"content_id": [f"{number}"], "text_title": ["T"]}),
            tmp_path / f"part-{number}.snappy.parquet",
        )
    (tmp_path / "_SUCCESS").touch()
    assert [event.content_id for event in events(tmp_path)] == ["0", "1", "2"]
