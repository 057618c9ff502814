"""Policies are put into the folder whole or not at all."""

from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.policy.fault import PolicyError
from earmark.processors.policy.shelf import policies_in_force, shipped_policies
from earmark.streams.policy.folder import (
    apply,
    changes_of,
    found_file,
    policy_folder,
    removal_of,
    with_files,
)
from earmark.streams.settings import Settings

TEXT = 'name = "mine"\nversion = "1"\n[[rule]]\nname = "r"\neffect = "review"\n'
RULE = 'when = "text.safety severity > 3"\n'


def written(folder: Path, text: str = TEXT + RULE) -> Path:
    file = folder / "written.toml"
    file.write_text(text)
    return file


def test_a_policy_is_put_under_its_name_and_then_in_place_of_itself(tmp_path: Path) -> None:
    force = tmp_path / "force"
    (change,) = changes_of(force, [written(tmp_path)])
    apply(change)
    assert [it.name for it in policies_in_force(force)] == ["mine"]
    assert [it.name for it in force.iterdir()] == ["mine.toml"]
    (force / "mine.toml").rename(force / "other.toml")
    (change,) = changes_of(force, [written(tmp_path, TEXT + RULE.replace("3", "5"))])
    assert '-when = "text.safety severity > 3"\n+when = "text.safety severity > 5"' in change.diff
    apply(change)
    assert [it.name for it in force.iterdir()] == ["other.toml"]
    (same,) = changes_of(force, [written(tmp_path, TEXT + RULE.replace("3", "5"))])
    assert same.diff == ""


def test_a_faulty_policy_is_not_put(tmp_path: Path) -> None:
    faulty = written(tmp_path, TEXT.replace("effect", "efect") + RULE)
    with pytest.raises(PolicyError, match=r"written\.toml:[0-9].*"):
        changes_of(tmp_path / "force", [faulty])


def test_two_files_with_one_policy_are_refused(tmp_path: Path) -> None:
    twin = tmp_path / "twin.toml"
    twin.write_text(TEXT + RULE)
    with pytest.raises(PolicyError, match="too"):
        changes_of(tmp_path / "force", [written(tmp_path), twin])


def test_a_policy_that_is_retired_is_gone(tmp_path: Path) -> None:
    apply(changes_of(tmp_path / "force", [written(tmp_path)])[0])
    change = removal_of(tmp_path / "force", "mine")
    assert change.text is None
    apply(change)
    assert policies_in_force(tmp_path / "force") == ()
    with pytest.raises(ConfigurationError, match="has no policy mine"):
        removal_of(tmp_path / "force", "mine")


def test_shipped_policies_are_found_by_name() -> None:
    assert found_file("comments").name == "comments.toml"
    with pytest.raises(ConfigurationError, match="personal-data"):
        found_file("coments")


def test_without_a_folder_nothing_can_be_put() -> None:
    with pytest.raises(ConfigurationError, match="EARMARK_POLICIES"):
        policy_folder(Settings(policies=None))


def test_files_take_the_place_of_policies_of_their_names(tmp_path: Path) -> None:
    shipped = shipped_policies()
    tried = with_files(shipped, [written(tmp_path, TEXT.replace("mine", "comments") + RULE)])
    assert [it.name for it in tried] == [it.name for it in shipped]
    assert {it.file for it in tried if it.name == "comments"} == {str(tmp_path / "written.toml")}
