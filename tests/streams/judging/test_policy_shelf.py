"""Policies are put in force when their files change, if they can be."""

from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.judging.policy_shelf import PolicyWatch, has_evidence

POLICY = """
name = "p"
version = "{version}"
[[rule]]
name = "r"
when = "{when}"
effect = "limit"
value = "demote"
"""


def write(folder: Path, *, version: str = "1", when: str = "text.safety severity >= 5") -> None:
    (folder / "p.toml").write_text(POLICY.format(version=version, when=when))


def test_a_change_is_noticed_once(tmp_path: Path) -> None:
    write(tmp_path)
    watch = PolicyWatch(tmp_path)
    before = watch.shelf.digest
    assert not watch.renewed()
    write(tmp_path, version="2")
    assert watch.renewed()
    assert not watch.renewed()
    assert watch.shelf.digest != before


def test_what_is_invalid_is_told_once_and_leaves_what_was(tmp_path: Path) -> None:
    write(tmp_path)
    watch = PolicyWatch(tmp_path)
    before = watch.shelf
    write(tmp_path, when="text.safety severtiy >= 5")
    with pytest.raises(ConfigurationError, match="severity"):
        watch.renewed()
    assert not watch.renewed()
    assert watch.shelf is before
    write(tmp_path)
    assert not watch.renewed()  # they are what they were


def test_the_signals_that_are_read_are_those_that_rules_need(tmp_path: Path) -> None:
    write(tmp_path, when="audio.loudness integrated_lufs > -9")
    assert PolicyWatch(tmp_path).shelf.signals == frozenset()
    write(tmp_path, when='text.pii labels has card"\nfast = true\nreason = "so')
    assert PolicyWatch(tmp_path).shelf.signals == {"text.pii"}


def test_signals_that_name_places_have_evidence() -> None:
    named = ("text.safety", "text.pii", "audio.speech", "content.explicit", "audio.loudness")
    assert [has_evidence(name) for name in named] == [True, True, True, True, False]
