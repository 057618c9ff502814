"""Policies are found in the folder of the user, else the shipped ones, and in packages."""

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from earmark.models.plugin import policy_folders
from earmark.processors.error import ConfigurationError
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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder `policies/` of an installed package that brings policies alone."""
    name = f"house_rules_{uuid4().hex}"
    folder = tmp_path / "site" / name / "policies"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    information = tmp_path / "site" / f"{name}-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (information / "entry_points.txt").write_text(f"[earmark.policies]\nhouse = {name}\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    policy_folders.cache_clear()
    yield folder
    policy_folders.cache_clear()
    sys.modules.pop(name, None)


def test_policies_of_packages_are_in_force_too(tmp_path: Path, package: Path) -> None:
    put(package, "c.toml", "c")
    put(tmp_path, "b.toml", "b")
    assert [policy.name for policy in policies_in_force(tmp_path)] == ["b", "c"]
    put(tmp_path, "c.toml", "c")
    with pytest.raises(PolicyError, match="has a policy c too"):
        policies_in_force(tmp_path)


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
