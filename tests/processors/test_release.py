"""What is released stays as it is and stays readable."""

import json
import shutil
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.release import LEDGER, findings, ledger, release
from earmark.processors.schema import avro_folder

SPEECH = "signals/audio.speech.v1"
MOOD = {"name": "mood", "type": ["null", "string"], "doc": "How it feels.", "default": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped schemas."""
    return Path(shutil.copytree(str(avro_folder()), tmp_path / "avro"))


def add_version(folder: Path) -> None:
    definition = json.loads((folder / f"{SPEECH}.avsc").read_text())
    golden = json.loads((folder / f"golden/{SPEECH}.json").read_text())
    definition["fields"].append(MOOD)
    (folder / f"{SPEECH}.1.avsc").write_text(json.dumps(definition))
    golden["mood"] = {"string": "calm"}
    (folder / f"golden/{SPEECH}.1.json").write_text(json.dumps(golden))


def test_what_is_shipped_is_as_it_was_released() -> None:
    assert findings(avro_folder()) == []


@pytest.mark.parametrize(
    "path", [f"{SPEECH}.avsc", f"golden/{SPEECH}.json", f"golden/{SPEECH}.bin"]
)
def test_an_edit_of_a_released_file_is_found(folder: Path, path: str) -> None:
    (folder / path).write_bytes((folder / path).read_bytes() + b" ")
    assert any(found.startswith(f"{path}: released, and edited") for found in findings(folder))


def test_a_released_file_that_is_gone_is_found(folder: Path) -> None:
    (folder / f"golden/{SPEECH}.bin").unlink()
    assert f"golden/{SPEECH}.bin: released, and gone" in findings(folder)


def test_a_new_version_is_found_until_it_is_released(folder: Path) -> None:
    add_version(folder)
    assert any("not released" in found for found in findings(folder))
    release(folder)
    assert findings(folder) == []


def test_a_release_enters_what_is_new_and_touches_nothing_else(folder: Path) -> None:
    add_version(folder)
    before = (folder / LEDGER).read_text()
    entered = release(folder)
    assert entered == [f"{SPEECH}.1.avsc", f"golden/{SPEECH}.1.json", f"golden/{SPEECH}.1.bin"]
    assert (folder / LEDGER).read_text().startswith(before)
    assert release(folder) == []


def test_a_golden_record_that_reads_otherwise_is_found(folder: Path) -> None:
    path = folder / f"golden/{SPEECH}.bin"
    path.write_bytes(path.read_bytes().replace(b"acme", b"acne"))
    assert any("reads another record than its JSON says" in found for found in findings(folder))


def test_a_golden_record_that_no_longer_reads_is_found(folder: Path) -> None:
    path = folder / f"golden/{SPEECH}.bin"
    path.write_bytes(path.read_bytes()[:-9])
    assert any("cannot read it" in found for found in findings(folder))


def test_a_version_that_misreads_what_older_ones_wrote_is_found(folder: Path) -> None:
    add_version(folder)
    later = folder / f"{SPEECH}.1.avsc"
    later.write_text(later.read_text().replace('"end_ms"', '"stop_ms"'))
    golden = folder / f"golden/{SPEECH}.1.json"
    golden.write_text(golden.read_text().replace('"end_ms"', '"stop_ms"'))
    release(folder)
    found = [found for found in findings(folder) if found.startswith(f"golden/{SPEECH}.bin")]
    assert f"{SPEECH}.1.avsc cannot read it" in found[0]


def test_a_release_without_a_fitting_golden_record_is_refused(folder: Path) -> None:
    add_version(folder)
    (folder / f"golden/{SPEECH}.1.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=f"golden/{SPEECH}.1.json"):
        release(folder)


def test_a_folder_without_ledger_cannot_be_checked(folder: Path) -> None:
    (folder / LEDGER).unlink()
    with pytest.raises(ConfigurationError, match=LEDGER):
        findings(folder)


def test_every_released_version_has_a_golden_record_that_is_released_too() -> None:
    entered = ledger(avro_folder())
    versions = [path for path in entered if path.endswith(".avsc")]
    assert len(versions) > 20
    for path in versions:
        stem = f"golden/{path.removesuffix('.avsc')}"
        assert {f"{stem}.json", f"{stem}.bin"} <= entered.keys()


def test_a_golden_record_that_is_missing_is_a_finding_among_others(folder: Path) -> None:
    (folder / f"golden/{SPEECH}.json").unlink()
    (folder / "golden/rejection.v1.bin").unlink()
    found = findings(folder)
    assert any(line.startswith(f"golden/{SPEECH}.json: no golden record of") for line in found)
    assert "golden/rejection.v1.bin: released, and gone" in found
