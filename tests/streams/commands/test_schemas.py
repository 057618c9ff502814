"""`earmark schemas` says in one line what is wrong, and ends with the right code."""

import json
import shutil
import subprocess
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


def git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *own, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    """The schemas in a repository, with a commit of them as they are shipped."""
    git(folder.parent, "init", "-b", "main")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-m", "released")
    return folder


def test_a_difference_that_breaks_readers_is_told_in_words(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / SPEECH).write_text((folder / SPEECH).read_text().replace("speech_ms", "spoken_ms"))
    assert run("diff", "audio.speech@0", str(folder / SPEECH)) == 1
    told = capsys.readouterr().out
    assert "adds spoken_ms" in told
    assert "removes speech_ms (null or long)  BREAKS" in told


def test_differences_of_folders_are_told_as_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / SPEECH).unlink()
    assert run("diff", "--json", str(avro_folder()), str(folder)) == 1
    (topic,) = json.loads(capsys.readouterr().out)["topics"]
    assert (topic["topic"], topic["breaks"]) == ("signals.audio.speech.v1", True)


def test_a_schema_differs_in_nothing_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", "text.safety", "signals.text.safety.v1@0") == 0
    assert capsys.readouterr().out == "nothing differs\n"


@pytest.mark.parametrize(
    ("name", "told"), [("no.such", "is no file, folder, schema"), ("text.safety@7", "known: @0")]
)
def test_what_is_no_schema_is_said_in_one_line(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("diff", name, "text.safety") == 2
    assert told in capsys.readouterr().err


def test_what_a_branch_changes_is_told_against_a_revision(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--folder", str(repository), "--against", "main") == 0
    assert capsys.readouterr().out == "no schema differs from main\n"
    (repository / SPEECH).write_text((repository / SPEECH).read_text() + "\n")
    assert run("check", "--folder", str(repository), "--against", "main") == 1
    assert f"BREAKS  {SPEECH}: released, and edited: its layout only" in capsys.readouterr().out


def test_a_check_against_what_is_no_revision_is_refused(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", "--folder", str(repository), "--against", "--output=x") == 2
    assert "git revision" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("diff", "text.safety", "{}/bytes.avsc"), ("asyncapi", "--out", "{}/no/x.yaml")]
)
def test_a_file_that_cannot_be_used_ends_in_one_line(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bytes.avsc").write_bytes(b"\xff\xfe")
    assert run(*(argument.format(tmp_path) for argument in arguments)) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_ledger_that_is_none_ends_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "released.sha256").write_text("not a ledger of ours\nx\n")
    assert run("check", "--folder", str(folder)) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
