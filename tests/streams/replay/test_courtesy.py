"""A worker of a replay stands behind everything else on its machine."""

import subprocess
import sys

import pytest

from earmark.streams.replay.courtesy import AUTOGROUP, NICE

# a kernel with `noautogroup` has the file, and nothing in it
GROUPED = AUTOGROUP.exists() and bool(AUTOGROUP.read_text().strip())

SAY = """
import os
from earmark.streams.replay.courtesy import AUTOGROUP, stand_behind
stand_behind()
print(os.nice(0), AUTOGROUP.read_text() if AUTOGROUP.exists() else "")
"""


def said(*, own_session: bool) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        start_new_session=own_session,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_it_has_the_least_priority_that_a_process_can_have() -> None:
    assert said(own_session=True).startswith(f"{NICE}")


@pytest.mark.skipif(not GROUPED, reason="a kernel that does not group sessions")
def test_its_session_stands_behind_other_sessions() -> None:
    assert said(own_session=True).endswith(f"nice {NICE}")


@pytest.mark.skipif(not GROUPED, reason="a kernel that does not group sessions")
def test_a_session_that_is_not_its_own_keeps_its_place() -> None:
    before = AUTOGROUP.read_text().split()[-1]
    assert said(own_session=False).endswith(f"nice {before}")
