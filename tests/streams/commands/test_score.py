"""`earmark score` as people run it: words on the screen, errors in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from earmark.streams.commands.score import items_table

JFK = Path(__file__).resolve().parents[3] / "streams" / "samples" / "jfk.wav"


def score(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "earmark", "score", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.weights
def test_a_recording_gives_loudness_speech_and_words(tmp_path: Path) -> None:
    done = score(str(JFK), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "LUFS" in done.stdout
    assert "% speech" in done.stdout
    assert "ask not what your country" in done.stdout


@pytest.mark.weights
def test_events_files_and_bad_files_are_scored_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("A quiet morning by the sea, and nobody is awake yet.")
    (tmp_path / "fake.mp3").write_text("this is text, whatever its name says\n" * 40)
    lines = [
        {"content_id": "ep", "audio": {"uri": JFK.as_uri()}, "texts": []},
        {"content_id": "odd", "texts": [{"field": "title", "text": "\ud800", "language": None}]},
    ]
    events = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "events.jsonl").write_text(events)
    table = pa.table({"content_id": ["row"], "audio_uri": [JFK.as_uri()], "isrc": ["X"]})
    pq.write_table(table, tmp_path / "events.parquet")
    files = ("note.txt", "fake.mp3", "events.jsonl", "events.parquet", "--ignore-unknown")
    done = score(*files, "--signals", "audio.loudness,text.language", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {(o["content_id"], o["signal"]): o["outcome"] for o in objects}
    assert outcomes == {
        ("note", "text.language"): "OK",
        ("fake", "audio.loudness"): "ERROR",
        ("fake", None): "REJECTED",
        ("ep", "audio.loudness"): "OK",
        ("row", "audio.loudness"): "OK",
        ("odd", "text.language"): "ERROR",
        ("odd", None): "REJECTED",
    }


def test_on_80_columns_each_item_and_each_signal_is_whole() -> None:
    item = "48d4abba/description-of-something-that-has-a-long-name"
    rows = [("audio.spoken_language", "ABSTAINED", "LANGUAGE_UNSUPPORTED")]
    console = Console(width=80)
    with console.capture() as captured:
        console.print(items_table({item: rows, "b": [("text.pii", "OK", "word " * 30)]}))
    lines = captured.get().splitlines()
    assert lines[0].rstrip() == item
    assert lines[1].split() == list(rows[0])
    assert lines[3].index("OK") == lines[1].index("ABSTAINED")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.mp3"], "missing.mp3"),
        (["empty.jsonl", "--signals", "audio.loudnes"], "audio.loudness"),
        (["bad.jsonl"], "bad.jsonl"),
        (["--signals", "text.language"], "FILES"),
    ],
)
def test_a_mistake_ends_in_one_line_and_2(
    arguments: list[str], complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"content_id": \n')
    (tmp_path / "empty.jsonl").write_text('{"content_id": "a", "texts": []}\n')
    done = score(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ("text.safety", "--model takes SIGNAL=CARD"),
        ("safety=nobody", "no model card 'nobody'"),
    ],
)
def test_a_model_that_cannot_be_used_is_one_line(
    choice: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("A quiet morning by the sea.")
    done = score(
        "note.txt", "--signals", "text.safety", "--model", choice, "--json", folder=tmp_path
    )
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
