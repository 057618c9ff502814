"""`earmark produce`."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from earmark.models.error import ConfigurationError
from earmark.streams.commands.produce import produce
from earmark.streams.local.stack import Stack
from earmark.streams.subscriber import subscribe


def run(*arguments: object) -> Result:
    return CliRunner().invoke(produce, [str(word) for word in arguments], catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.mp3").write_bytes(b"x")
    (tmp_path / "b.wav").write_bytes(bytes(300_000))
    (tmp_path / "c.txt").write_text("Hello")
    (tmp_path / "d.jsonl").write_text(
        json.dumps({"content_id": "d", "texts": [{"field": "title", "text": "x" * 10_000_000}]})
    )
    return tmp_path


def test_a_dry_run_says_what_would_be_sent(folder: Path) -> None:
    told = run(folder, "--dry-run", "--json")
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(event["content_id"], event["audio"], event["texts"]) for event in events] == [
        ("a", "inline", []),
        ("b", (folder / "b.wav").as_uri(), []),
        ("c", None, ["text"]),
    ]
    assert not any(event["sent"] for event in events)


def test_an_event_that_is_refused_is_said_and_the_others_go_on(folder: Path) -> None:
    told = run(folder, "--dry-run")
    assert told.exit_code == 1
    assert "earmark: d: texts.title: 10,000,000 code points" in told.stderr
    assert "3 events checked, nothing sent" in told.stdout
    assert "media.roots" in told.stderr


def test_files_that_a_worker_reads_are_no_matter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_MEDIA__ROOTS", json.dumps([str(folder)]))
    assert "media.roots" not in run(folder, "--dry-run").stderr
    monkeypatch.setenv("EARMARK_MEDIA__ROOTS", json.dumps([str(folder / "other")]))
    assert "media.roots" in run(folder, "--dry-run").stderr


def test_a_column_that_events_do_not_have_ends_it_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    table = pa.table({"content_id": ["b"], "text_title": ["T"], "isrc": ["X"]})
    pq.write_table(table, tmp_path / "b.parquet")
    with pytest.raises(ConfigurationError, match="isrc"):
        run(tmp_path)
    told = run(tmp_path, "--ignore-unknown", "--dry-run")
    assert told.stdout == "2 events checked, nothing sent\n"


def test_a_dry_run_has_nothing_to_resume(folder: Path) -> None:
    told = run(folder, "--dry-run", "--resume", folder / "checkpoint")
    assert (told.exit_code, "--resume" in told.stderr) == (2, True)
    assert not (folder / "checkpoint").exists()


@pytest.mark.parametrize(
    ("given", "hinted"), [("XYZZY", True), ("comment", True), ("COMMENT", False)]
)
def test_a_type_that_nothing_reads_is_carried_and_those_that_are_read_are_named(
    given: str, hinted: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    told = run(tmp_path, "--content-type", given, "--dry-run")
    assert (told.exit_code, told.stdout) == (0, "1 event checked, nothing sent\n")
    assert (f"{given} is carried through unread" in told.stderr) is hinted
    assert ("policies and signals know TRACK, EPISODE" in told.stderr) is hinted
    assert run(tmp_path, "--content-type", given, "--dry-run", "--json").stderr == ""


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_a_run_that_is_over_says_only_that_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(bytes(300_000))
    asked = (tmp_path / "b.wav", "--content-type", "X", "--resume", tmp_path / "state")
    first = run(*asked)
    assert first.stdout == "1 event sent to content.events.v1\n"
    assert "media.roots" in first.stderr
    for again in (run(*asked), run(*asked, "--json")):
        assert (again.exit_code, again.stdout) == (0, "")
        (line,) = again.stderr.splitlines()
        assert line.startswith("nothing left to send: ")


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_a_resumed_run_still_counts_what_was_refused(folder: Path) -> None:
    lines, resume = folder / "d.jsonl", ("--resume", folder / "checkpoint")
    good = json.dumps({"content_id": "resumed", "texts": [{"field": "title", "text": "x"}]})
    lines.write_text(f"{lines.read_text()}\nno JSON\n{good}\n")
    with pytest.raises(ConfigurationError, match="line 2"):
        run(lines, *resume)
    lines.write_text(lines.read_text().replace("no JSON", good))
    told = run(lines, *resume)
    assert (told.exit_code, told.stdout) == (1, "2 events sent to content.events.v1\n")
    assert "earmark: d:" not in told.stderr


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_events_are_sent(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "sent by test.txt").write_text("Hello")
    with subscribe("content.events.v1", settings=stack.settings, timeout_s=10) as events:
        told = run(tmp_path, "--content-type", "COMMENT", "--language", "en")
        record = next(event.record for event in events if event.key == "sent by test")
    assert told.stdout == "1 event sent to content.events.v1\n"
    assert record["texts"] == [{"field": "comment", "text": "Hello", "language": "en"}]
