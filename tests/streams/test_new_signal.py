"""A package made by `earmark new-signal` works as it stands, behind the door that all use."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.models.error import ConfigurationError
from earmark.processors.signal_card import read_signal_card
from earmark.streams.commands.new_signal import new_signal
from earmark.streams.new_signal.package import write_package

ROOT = Path(__file__).resolve().parents[2]


def run(site: Path, home: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(ROOT / ".src")])
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(home)},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module", params=["audio", "text"])
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new package, and in `site/` beside it what pip made of it."""
    folder = tmp_path_factory.mktemp("new")
    write_package(f"{request.param}.pure_chance", kind=request.param, folder=folder)
    root = folder / f"{request.param}-pure-chance"
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, *pip, "--target", str(folder / "site"), str(root)]
    subprocess.run(command, check=True, capture_output=True)
    return root


def test_its_tests_pass_untouched(package: Path) -> None:
    pytest_of = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={package}"]
    done = run(package.parent / "site", package.parent, [*pytest_of, str(package)])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_its_evaluation_runs_untouched_and_goes_into_its_own_card(package: Path) -> None:
    name = f"{package.name.partition('-')[0]}.pure_chance"
    site, home = package.parent / "site", package.parent
    assert run(site, home, ["-m", "earmark", "models", "pull", name]).returncode == 0
    data = str(package / "evaluation")
    done = run(
        site, home, ["-m", "earmark", "eval", name, "--data", data, "--json", "--write-card"]
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["auc"]["value"] == 1.0
    (file,) = site.rglob(f"signal_cards/{name}.toml")
    card = read_signal_card(file.read_text(), signal=name, where=name)
    assert [(it.data, it.models) for it in card.evaluation] == [("evaluation", (f"{name} 1",))]


def test_its_schema_is_checked_with_ours(package: Path) -> None:
    site = package.parent / "site"
    assert run(site, package.parent, ["-m", "earmark", "schemas", "check"]).returncode == 0
    schema = next(site.rglob("*.v1.avsc"))
    schema.write_text(schema.read_text().replace("uncalibrated", "calibrated"))
    broken = run(site, package.parent, ["-m", "earmark", "schemas", "check"])
    assert broken.returncode == 1
    assert schema.name in broken.stdout


@pytest.mark.parametrize("name", ["spoilers", "text.", "text.Spoilers", "video.x", "../text.x"])
def test_a_name_that_no_signal_may_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no name of a signal"):
        write_package(name, kind="text", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="already"):
        write_package("text.safety", kind="text", folder=tmp_path)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write_package("text.spoilers", kind="text", folder=tmp_path)
    with pytest.raises(ConfigurationError, match="is there already"):
        write_package("text.spoilers", kind="text", folder=tmp_path)


def test_the_command_lists_what_it_wrote(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        new_signal, ["text.spoilers", "--from", "text", "--folder", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    assert "scorer.py" in done.output
