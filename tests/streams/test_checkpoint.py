"""The file in which a run keeps how far it has come."""

import json
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import ContentEvent
from earmark.streams.checkpoint import Checkpoint
from earmark.streams.content_files import ReadEvent, read_events, template
from earmark.streams.standing import Standing

ARGUMENTS = {"paths": ["a"], "tenant": ""}
GIVEN = template(content_type="OTHER", language=None, source="tests", tenant="")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f'{{"content_id": "item {n}"}}\n' for n in range(9)))
    return path


@pytest.fixture
def kept(lines: Path) -> Path:
    """A checkpoint of a run that has come to the fourth line."""
    path = lines.parent / "checkpoint"
    with Checkpoint(path, ARGUMENTS) as checkpoint:
        checkpoint.begin("cluster")
        checkpoint.keep(Standing(bookmark=reads(lines)[3].bookmark, sent=4))
    return path


def reads(lines: Path) -> list[ReadEvent]:
    return list(read_events([lines], GIVEN))


def refusal(path: Path, **other: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Checkpoint(path, ARGUMENTS | other)
    return str(caught.value)


def test_a_run_goes_on_as_the_same_run(lines: Path, kept: Path) -> None:
    with Checkpoint(kept, ARGUMENTS) as first:
        events = [first.run.stamped(read) for read in reads(lines)]
    with Checkpoint(kept, ARGUMENTS) as again:
        assert again.standing.sent == 4
        rest = read_events([lines], GIVEN, start=again.standing.bookmark)
        assert [again.run.stamped(read) for read in rest] == events[4:]
    assert len({event.event_id for event in events}) == 9
    revisions = [event.revision for event in events]
    assert revisions == sorted(set(revisions))


def test_another_run_has_other_ids_and_newer_revisions(lines: Path, tmp_path: Path) -> None:
    def stamped(name: str) -> list[ContentEvent]:
        with Checkpoint(tmp_path / name, ARGUMENTS) as checkpoint:
            return [checkpoint.run.stamped(read) for read in reads(lines)]

    first, second = stamped("first"), stamped("second")
    assert {e.event_id for e in first}.isdisjoint(e.event_id for e in second)
    assert all(a.revision < b.revision for a, b in zip(first, second, strict=True))


def test_what_a_file_states_stands(tmp_path: Path) -> None:
    path = tmp_path / "stated.jsonl"
    path.write_text('{"content_id": "c", "event_id": "e", "revision": 7, "event_time": 8}')
    with Checkpoint(tmp_path / "checkpoint", ARGUMENTS) as checkpoint:
        event = checkpoint.run.stamped(reads(path)[0])
    assert (event.event_id, event.revision, event.event_time) == ("e", 7, 8)


def test_it_is_one_runs_at_a_time(kept: Path) -> None:
    with Checkpoint(kept, ARGUMENTS) as running:
        assert "another run" in refusal(kept)
        running.keep(running.standing)  # replaced, and still held
        assert "another run" in refusal(kept)
    Checkpoint(kept, ARGUMENTS).__exit__(None, None, None)


def test_other_arguments_and_another_cluster_are_refused(kept: Path) -> None:
    assert "tenant was '' and is 'b'" in refusal(kept, tenant="b")
    with (
        Checkpoint(kept, ARGUMENTS) as checkpoint,
        pytest.raises(ConfigurationError, match="cluster cluster, this one is other"),
    ):
        checkpoint.begin("other")


def test_a_file_that_changed_behind_the_place_is_no_hindrance(lines: Path, kept: Path) -> None:
    lines.write_text(lines.read_text().replace("item 7", "mended"))
    with Checkpoint(kept, ARGUMENTS) as checkpoint:
        rest = read_events([lines], GIVEN, start=checkpoint.standing.bookmark)
        names = [read.event.content_id for read in rest]
    assert names == ["item 4", "item 5", "item 6", "mended", "item 8"]


def test_a_file_that_changed_before_the_place_is_refused(lines: Path, kept: Path) -> None:
    lines.write_text('{"content_id": "put before"}\n' + lines.read_text())
    assert f"{lines} has changed before the place" in refusal(kept)


@pytest.mark.parametrize("text", ["no JSON", "[1]", "{}", '{"format": 1}', '{"format": 99}'])
def test_what_is_no_checkpoint_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes"
    path.write_text(text)
    assert "is not a checkpoint" in refusal(path)
    assert path.read_text() == text


def test_a_checkpoint_of_another_format_is_not_guessed_at(kept: Path) -> None:
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"format": 2}))
    assert "another version" in refusal(kept)


def test_a_place_where_nothing_can_be_kept_is_named(tmp_path: Path) -> None:
    assert "missing/checkpoint: No such file" in refusal(tmp_path / "missing" / "checkpoint")
