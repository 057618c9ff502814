"""A keeper, on real processes: what it starts again, what it leaves, and that it never waits."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from earmark.models.error import ServiceError
from earmark.streams.local.keeper import Keeper
from earmark.streams.local.process import Child
from earmark.streams.supervisor import HOPELESS, Backoff

SLEEP = "import time; time.sleep(60)"
NO_PAUSE = Backoff(draw=lambda _, most: 0.0)


class Sleeper:
    """A part that runs `code`, and is ready when `ready` is set."""

    def __init__(self, code: str, folder: Path) -> None:
        command = [sys.executable, "-c", code]
        self.child = Child("sleeper", command, log=folder / "log", environment=os.environ)
        self.ready = True
        self.refused = ""

    def launch(self) -> None:
        if self.refused:
            raise ServiceError(self.refused)
        self.child.start()

    def is_ready(self) -> bool:
        return self.ready


class Kept:
    def __init__(self, code: str, folder: Path, backoff: Backoff = NO_PAUSE) -> None:
        self.said: list[str] = []
        self.part = Sleeper(code, folder)
        self.part.launch()
        self.keeper = Keeper(
            "worker", self.part, self.said.append, hopeless=HOPELESS, backoff=backoff
        )

    def tend_until(self, holds: Callable[[], bool]) -> int:
        """How often the keeper said that something had changed until it held."""
        changes = 0
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, self.said
            changes += self.keeper.tend()
            time.sleep(0.02)
        return changes

    def said_so(self, words: str) -> bool:
        return any(words in line for line in self.said)


def test_a_part_that_is_killed_is_started_again_and_both_are_said(tmp_path: Path) -> None:
    kept = Kept(SLEEP, tmp_path)
    assert not kept.keeper.tend()
    kept.part.child.kill()
    assert kept.tend_until(lambda: kept.said_so("worker runs again")) == 2
    assert kept.said[0] == "worker has ended (killed by SIGKILL); starting it again in 0.0 s"
    assert kept.part.child.alive
    kept.part.child.kill()


def test_it_runs_again_when_it_is_ready_and_not_before(tmp_path: Path) -> None:
    kept = Kept(SLEEP, tmp_path)
    kept.part.ready = False
    kept.part.child.kill()
    kept.tend_until(lambda: kept.part.child.alive)
    assert not kept.keeper.tend()
    assert not kept.said_so("runs again")
    kept.part.ready = True
    kept.keeper.tend()
    assert kept.said_so("runs again")
    kept.part.child.kill()


@pytest.mark.parametrize(("status", "reason"), HOPELESS.items())
def test_a_part_that_a_new_start_cannot_help_is_left(
    tmp_path: Path, status: int, reason: str
) -> None:
    kept = Kept(f"raise SystemExit({status})", tmp_path)
    assert kept.tend_until(lambda: kept.keeper.is_left) == 1
    assert not kept.keeper.tend()
    assert kept.said_so(reason)
    assert not kept.part.child.alive


def test_a_part_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    kept = Kept(SLEEP, tmp_path)
    kept.part.refused = "port 9092 is in use"
    kept.part.child.kill()
    kept.tend_until(lambda: kept.said_so("port 9092 is in use"))
    kept.part.refused = ""
    kept.tend_until(lambda: kept.said_so("runs again"))
    kept.part.child.kill()


def test_pauses_grow_for_a_part_that_ends_again_and_again(tmp_path: Path) -> None:
    pauses: list[float] = []

    def draw(_: float, most: float) -> float:
        pauses.append(most)
        return 0.0

    kept = Kept("raise SystemExit(1)", tmp_path, Backoff(draw=draw))
    kept.tend_until(lambda: len(pauses) == 4)
    assert pauses == [1, 2, 4, 8]
