"""The pages that are made from the code say what the code says."""

import importlib.util
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


@pytest.mark.parametrize("page", ["commands.md", "reference.md"])
def test_the_page_is_up_to_date(page: str, made: ModuleType) -> None:
    stands = (made.GUIDE / page).read_text(encoding="utf-8")
    assert stands == made.PAGES[page](), f"run `{made.REGENERATE}`"


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
