"""`earmark schemas` says in one line what is wrong, and ends with the right code."""

import json
import shutil
from pathlib import Path

import pytest

from earmark.processors.schema import avro_folder, schema_of
from earmark.streams.cli import main
from earmark.streams.local.stack import Stack

SPEECH = "signals/audio.speech.v1.avsc"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["schemas", *arguments])
    return int(caught.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped schemas."""
    return Path(shutil.copytree(str(avro_folder()), tmp_path / "avro"))


def test_the_shipped_schemas_pass_the_check() -> None:
    assert run("check") == 0


def test_an_edited_schema_fails_the_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / SPEECH).write_text((folder / SPEECH).read_text().replace("speech", "talk"))
    assert run("check", "--folder", str(folder)) == 1
    assert f"{SPEECH}: released, and edited since" in capsys.readouterr().out


def test_the_check_speaks_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--json", "--folder", str(folder)) == 0
    assert json.loads(capsys.readouterr().out) == {"findings": []}


def test_a_release_of_nothing_new_enters_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("release", "--folder", str(folder)) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "name", ["audio.speech", "signals.audio.speech", "signals.audio.speech.v1"]
)
def test_a_schema_is_shown_by_any_of_its_names(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", name, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == schema_of("signals.audio.speech.v1").definition


def test_the_fields_of_a_schema_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "content.events") == 0
    assert "texts.field" in capsys.readouterr().out


def test_an_unknown_schema_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("show", "audio.smell") == 2
    assert "audio.loudness" in capsys.readouterr().err


@pytest.mark.kafka
def test_schemas_are_registered_where_the_settings_say(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARMARK_REGISTRY__URL", stack.settings.registry.url)
    assert run("register", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    levels = {row["subject"]: row["compatibility"] for row in rows}
    assert levels["signals.audio.loudness.v1-value"] == "FULL_TRANSITIVE"
    assert levels["content.events.v1-value"] == "BACKWARD_TRANSITIVE"
