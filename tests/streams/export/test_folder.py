"""The folder of an export, whenever its process ends."""

from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.export.folder import MANIFEST, ExportedFile, ExportFolder, unfinished

ARGUMENTS = {"from": None, "as_of_ms": None}


def opened(root: Path) -> ExportFolder:
    return ExportFolder(root, ARGUMENTS, "cluster")


def part(folder: ExportFolder, text: str) -> ExportedFile:
    """A file as it stands before a commit."""
    path = f"signal=x/day=2026-11-26/{folder.next_part()}"
    unfinished(folder.root / path).parent.mkdir(parents=True, exist_ok=True)
    unfinished(folder.root / path).write_text(text)
    return ExportedFile(path=path, topic="x", records=1, deleted=0)


def texts(root: Path) -> list[str]:
    return sorted(path.read_text() for path in root.glob("signal=*/day=*/part-*"))


def test_what_was_committed_is_there_and_what_was_not_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        folder.commit([part(folder, "one")], offsets={"x:0": 1}, unreadable={"x": 1})
        left = part(folder, "two")  # and killed
    assert texts(tmp_path) == ["one"]
    with opened(tmp_path) as folder:
        assert (folder.offsets, folder.unreadable) == ({"x:0": 1}, {"x": 1})
        assert not unfinished(tmp_path / left.path).exists()
        folder.commit([part(folder, "again")], offsets={"x:0": 2}, unreadable={})
    assert texts(tmp_path) == ["again", "one"]


def test_files_whose_names_a_kill_has_prevented_get_them(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        file = part(folder, "one")
        folder.commit([file], offsets={"x:0": 1}, unreadable={})
    (tmp_path / file.path).rename(unfinished(tmp_path / file.path))  # as it was in between
    with opened(tmp_path):
        assert texts(tmp_path) == ["one"]


def test_files_that_are_replaced_go_even_where_a_kill_has_prevented_it(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        old = part(folder, "old")
        folder.commit([old], offsets={}, unreadable={"x": 7})
        folder.commit([part(folder, "new")], offsets={}, unreadable={"x": 1}, instead=["x"])
        assert (texts(tmp_path), folder.unreadable) == (["new"], {"x": 1})
    (tmp_path / old.path).write_text("old")
    with opened(tmp_path):
        assert texts(tmp_path) == ["new"]


def test_what_is_replaced_of_one_topic_leaves_the_others(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        folder.commit([part(folder, "x")], offsets={}, unreadable={"x": 7}, instead=["x"])
        folder.commit([], offsets={}, unreadable={"y": 1}, instead=["y"])
        assert (texts(tmp_path), folder.unreadable) == (["x"], {"x": 7, "y": 1})


def test_it_is_one_process_and_one_kind_of_export(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        folder.commit([], offsets={}, unreadable={})
        with pytest.raises(ConfigurationError, match="another export"):
            opened(tmp_path)
    with pytest.raises(ConfigurationError, match="as_of_ms was None and is 5"):
        ExportFolder(tmp_path, {**ARGUMENTS, "as_of_ms": 5}, "cluster")
    with pytest.raises(ConfigurationError, match="Kafka cluster cluster, this one is other"):
        ExportFolder(tmp_path, ARGUMENTS, "other")
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(ConfigurationError, match="no manifest"):
        opened(tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ConfigurationError, match="not empty"):
        opened(tmp_path)
