"""`earmark config`: what is in force and why, and all that is wrong at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from earmark.streams.cli import earmark


def run(*arguments: str) -> Result:
    return CliRunner().invoke(earmark, ["config", *arguments])


def shown(*arguments: str) -> dict[str, dict[str, object]]:
    lines = run("show", "--json", *arguments).output.splitlines()
    return {it["name"]: it for it in map(json.loads, lines)}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(
        '[kafka]\ngroup_id = "from-file"\nslot = "3"\n[kafka.client]\n"sasl.password" = "hunter2"\n'
        '[registry]\nurl = "http://me:hunter2@registry:8081"\npassword = "hunter2"\n'
    )
    monkeypatch.setenv("EARMARK_CONFIG", str(path))
    monkeypatch.setenv("EARMARK_KAFKA__SLOT", "4")
    return path


def test_each_setting_says_what_it_is_and_where_it_came_from(file: Path) -> None:
    found = shown()
    assert found["kafka.group_id"]["value"] == "from-file"
    assert found["kafka.group_id"]["origin"] == "file"
    assert found["kafka.group_id"]["where"] == str(file)
    assert found["kafka.slot"]["value"] == "4"
    assert found["kafka.slot"]["where"] == "EARMARK_KAFKA__SLOT"
    assert found["worker.fetchers"]["origin"] == "default"
    assert found["worker.fetchers"]["variable"] == "EARMARK_WORKER__FETCHERS"


def test_no_secret_is_shown_in_either_form(file: Path) -> None:
    assert shown()['kafka.client."sasl.password"']["value"] == "(hidden)"
    for arguments in (["show"], ["show", "--json"], ["show", "--set"]):
        output = run(*arguments).output
        assert "(hidden)" in output
        assert "hunter2" not in output


def test_only_what_was_set_is_shown_when_so_asked(file: Path) -> None:
    assert set(shown("--set")) == {
        "kafka.group_id",
        "kafka.slot",
        'kafka.client."sasl.password"',
        "registry.url",
        "registry.password",
    }


def test_on_80_columns_no_address_and_no_path_is_broken(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://registry.of-somebody.example.org:8443/apis/ccompat/v7"
    own = Path("settings-of-the-catalogue-team/production/own.toml")
    monkeypatch.chdir(file.parent)  # the path of a test's folder may be longer than a line
    own.parent.mkdir(parents=True)
    own.write_text(file.read_text())
    monkeypatch.setenv("EARMARK_CONFIG", str(own))
    monkeypatch.setenv("EARMARK_REGISTRY__URL", url)
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line.rstrip() for line in run("show").output.splitlines()]
    assert f"  {url}" in lines
    assert lines[lines.index(f"  {url}") - 1].split() == ["registry.url", "EARMARK_REGISTRY__URL"]
    (group,) = [place for place, line in enumerate(lines) if line.startswith("kafka.group_id")]
    assert lines[group].split() == ["kafka.group_id", "from-file"]
    assert lines[group + 1] == f"  from {own}"


def test_the_defaults_have_nothing_wrong() -> None:
    found = run("check")
    assert found.exit_code == 0
    assert found.output.endswith("settings, nothing wrong\n")


def test_the_check_tells_all_faults_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_WORKER__SIGNALS", '["audio.speach"]')
    monkeypatch.setenv("EARMARK_KAFKA__CLIENT", '{"sasl.pasword": "hunter2"}')
    monkeypatch.setenv("EARMARK_POLICIES", "/no/such/folder")
    monkeypatch.setenv("EARMARK_REGISTRY__CA_LOCATION", "/no/such/file")
    monkeypatch.setenv("EARMARK_MEDIA__SCHEMES", '["http", "gopher"]')
    found = [json.loads(line) for line in run("check", "--json").stdout.splitlines()]
    told = {it["name"]: (it["where"], it["reason"]) for it in found}
    assert {it["where"] for it in found} == {
        "EARMARK_WORKER__SIGNALS",
        "EARMARK_KAFKA__CLIENT",
        "EARMARK_POLICIES",
        "EARMARK_REGISTRY__CA_LOCATION",
        "EARMARK_MEDIA__SCHEMES",
    }
    assert "unknown signal 'audio.speach'" in told["worker.signals"][1]
    assert "sasl.pasword" in told["kafka.client"][1]
    assert "hunter2" not in str(found)


def test_a_fault_ends_every_command_in_one_line_with_status_2(tmp_path: Path) -> None:
    wrong = tmp_path / "earmark.toml"
    wrong.write_text("[kafka]\nslto = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "config", "show"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "earmark: setting kafka.slto (earmark.toml): there is no such setting; "
        "did you mean kafka.slot?\n"
    )
