"""The pages that are made from the code say what the code says."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import earmark
from earmark.streams.cli import COMMANDS

FILE = Path(__file__).parents[2] / "deploy" / "reference.py"


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("deploy_reference", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date() -> None:
    """In a process of its own: a command that has run in this one may show its help otherwise."""
    done = subprocess.run(
        [sys.executable, FILE, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_and_every_command_has_a_heading(made: ModuleType) -> None:
    names = made.PAGES["reference.md"]()
    for name in earmark.__all__:
        assert name == "__version__" or f"### `{name}`" in names
    commands = made.PAGES["commands.md"]()
    assert all(f"## `earmark {name}`" in commands for name in COMMANDS)


def test_a_page_that_is_out_of_date_is_named_and_written_anew(
    made: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(made, "GUIDE", tmp_path)
    assert made.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert all(page in said for page in made.PAGES)
    assert made.REGENERATE in said
    assert list(tmp_path.iterdir()) == []
    assert made.main([]) == 0
    assert made.main(["--check"]) == 0
