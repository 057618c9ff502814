"""What a branch does to the schemas is told before it is merged."""

import json
import shutil
from pathlib import Path

import pytest

from earmark.processors.release import LEDGER, release
from earmark.processors.schema import avro_folder
from earmark.processors.schema_review import review

SPEECH = "signals/audio.speech.v1"
MOOD = {"name": "mood", "type": ["null", "string"], "doc": "How it feels.", "default": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped schemas, as a branch has them."""
    return Path(shutil.copytree(str(avro_folder()), tmp_path / "avro"))


def told(folder: Path) -> list[tuple[str, bool]]:
    return [(str(remark), remark.breaks) for remark in review(folder, avro_folder())]


def new_version(folder: Path, *, golden: bool = True) -> None:
    definition = json.loads((folder / f"{SPEECH}.avsc").read_text())
    definition["fields"].append(MOOD)
    (folder / f"{SPEECH}.1.avsc").write_text(json.dumps(definition))
    if golden:
        record = json.loads((folder / f"golden/{SPEECH}.json").read_text()) | {"mood": None}
        (folder / f"golden/{SPEECH}.1.json").write_text(json.dumps(record))


def test_a_branch_that_changes_nothing_is_told_of_nothing(folder: Path) -> None:
    assert told(folder) == []


def test_a_new_version_is_told_and_passes_once_it_is_released(folder: Path) -> None:
    new_version(folder)
    assert any("not released" in words and breaks for words, breaks in told(folder))
    release(folder)
    assert told(folder) == [
        (
            f"{SPEECH}.1.avsc: a new version of signals.audio.speech.v1: "
            "adds mood (null or string), null by default: How it feels.",
            False,
        )
    ]


def test_a_version_without_a_golden_record_is_told(folder: Path) -> None:
    new_version(folder, golden=False)
    words = f"golden/{SPEECH}.1.json: no golden record of {SPEECH}.1.avsc"
    assert (words, True) in told(folder)


def test_an_edited_file_is_told_with_what_the_edit_does(folder: Path) -> None:
    path = folder / f"{SPEECH}.avsc"
    path.write_text(path.read_text().replace('"speech_ms"', '"spoken_ms"'))
    ((words, breaks),) = [each for each in told(folder) if each[0].startswith(f"{SPEECH}.avsc")]
    assert "released, and edited: adds spoken_ms" in words
    assert "removes speech_ms (" in words
    assert breaks


def test_an_edit_is_found_where_its_line_in_the_ledger_was_edited_too(folder: Path) -> None:
    path = folder / f"{SPEECH}.avsc"
    path.write_text(path.read_text() + "\n")
    kept = (folder / LEDGER).read_text().splitlines(keepends=True)
    (folder / LEDGER).write_text("".join(line for line in kept if f"  {SPEECH}.avsc" not in line))
    release(folder)
    assert (f"{SPEECH}.avsc: released, and edited: its layout only", True) in told(folder)


def test_a_line_that_left_the_ledger_is_told(folder: Path) -> None:
    kept = (folder / LEDGER).read_text().splitlines(keepends=True)
    (folder / LEDGER).write_text("".join(kept[1:]))
    path = kept[0].split()[1]
    assert (f"{LEDGER}: does not hold the digest of {path} any more", True) in told(folder)


def test_a_released_file_that_is_gone_is_told(folder: Path) -> None:
    (folder / f"golden/{SPEECH}.bin").unlink()
    assert (f"golden/{SPEECH}.bin: released, and gone", True) in told(folder)
