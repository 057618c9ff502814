"""Who conducts a run."""

import fcntl
import os
import sys
import time
from pathlib import Path

import pytest

from earmark.processors.error import ServiceError
from earmark.streams.local.process import Child
from earmark.streams.replay.conduct import _Crewman, conduct, log_folder
from earmark.streams.replay.manifest import Manifest
from earmark.streams.settings import Settings


def test_a_run_is_conducted_by_one_process_of_a_machine(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    manifest = Manifest(run="r", source="content.events.v1", bounds={0: (0, 1)}, created_ms=0)
    folder = log_folder(settings, "r")
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ServiceError, match="another process"):
            conduct(settings, manifest, workers=1, watch=lambda _: None, say=print)


def test_a_worker_that_dies_is_told_of_and_started_again(tmp_path: Path) -> None:
    program = "print('no such weights'); raise SystemExit(1)"
    child, member, told = tended(tmp_path, program, status=1)
    assert len(told) == 1
    assert told[0].startswith("replay-r-0 has ended (exit status 1) and starts again in ")
    assert told[0].endswith("no such weights")
    deadline = time.monotonic() + 20
    while not (tmp_path / "log.1").exists() and time.monotonic() < deadline:
        member.tend(told.append)
        time.sleep(0.05)
    child.stop()
    assert (tmp_path / "log.1").read_text() == "no such weights\n"


def test_a_worker_that_is_done_is_not_spoken_of(tmp_path: Path) -> None:
    _, _, told = tended(tmp_path, "pass", status=0)
    assert told == []


def tended(tmp_path: Path, program: str, *, status: int) -> tuple[Child, _Crewman, list[str]]:
    """A worker that has ended with `status`, and what was said of it when that was seen."""
    command = [sys.executable, "-c", program]
    child = Child("replay-r-0", command, log=tmp_path / "log", environment=os.environ)
    member, told = _Crewman(child), []
    member.tend(told.append)
    assert child.wait(20) == status
    member.tend(told.append)
    return child, member, told
