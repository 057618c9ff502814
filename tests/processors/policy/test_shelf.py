"""Policies are found in the folder of the user, else the shipped ones, and in packages."""

from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from earmark.processors.error import ConfigurationError
from earmark.processors.policy import shelf
from earmark.processors.policy.fault import PolicyError
from earmark.processors.policy.shelf import policies_in_force, read_policies, shipped_policies
from earmark.processors.policy.verdict import EFFECTS

RULE = '[[rule]]\nname = "r"\nwhen = "text.safety severity > 3"\neffect = "review"\n'


def put(folder: Path, file: str, name: str) -> Path:
    (folder / file).write_text(f'name = "{name}"\nversion = "1"\n{RULE}')
    return folder / file


def test_without_a_folder_the_shipped_policies_are_in_force() -> None:
    assert policies_in_force(None) == shipped_policies()
    names = [policy.name for policy in shipped_policies()]
    assert names == sorted(names)
    assert {"comments", "explicit-music", "audio-quality", "personal-data"} <= set(names)


def test_the_shipped_policies_show_every_effect_and_say_why() -> None:
    rules = [rule for policy in shipped_policies() for rule in policy.rules]
    assert {rule.effect for rule in rules} == set(EFFECTS)
    assert all(rule.reason for rule in rules)
    assert any(rule.fast for rule in rules)


def test_a_folder_takes_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    put(tmp_path, "b.toml", "b")
    put(tmp_path, "a.toml", "z")
    (tmp_path / "notes.txt").write_text("no policy")
    assert [policy.name for policy in policies_in_force(tmp_path)] == ["b", "z"]


def test_policies_of_packages_are_in_force_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = tmp_path / "package"
    brought.mkdir()
    put(brought, "c.toml", "c")

    def folders() -> tuple[Traversable, ...]:
        return (brought,)

    monkeypatch.setattr(shelf, "policy_folders", folders)
    put(tmp_path, "b.toml", "b")
    assert [policy.name for policy in policies_in_force(tmp_path)] == ["b", "c"]


def test_the_faults_of_all_files_are_told_together(tmp_path: Path) -> None:
    one, other = put(tmp_path, "a.toml", "same"), put(tmp_path, "b.toml", "same")
    wrong = tmp_path / "c.toml"
    wrong.write_text("name = ")
    binary = tmp_path / "d.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError) as raised:
        read_policies([one, other, wrong, binary])
    files = [Path(fault.file).name for fault in raised.value.faults]
    assert files == ["c.toml", "d.toml", "b.toml"]
    assert "and 2 more" in str(raised.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        policies_in_force(tmp_path / "nowhere")
