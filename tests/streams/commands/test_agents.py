"""`earmark agents`, asked wrongly: one line, and 2."""

import subprocess
import sys
from pathlib import Path

import pytest


def asked(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "earmark", "agents", *options],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [("--shadow", "Big Name"), ("--policies", "nowhere")])
def test_wrong_options_are_usage_errors(options: tuple[str, str]) -> None:
    done = asked(*options)
    assert done.returncode == 2
    assert options[0] in done.stderr


def test_a_policy_that_is_wrong_ends_it_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('name = "p"\nversion = "1"\n[[rule]]\nname = "r"\n')
    done = asked("--policies", str(tmp_path))
    assert done.returncode == 2
    assert "p.toml:3" in done.stderr
    assert "Traceback" not in done.stderr
