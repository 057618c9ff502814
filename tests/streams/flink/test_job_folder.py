"""A job goes on from the newest state that is whole and still good."""

import os
import time
from pathlib import Path

import pytest

from earmark.streams.flink.job import LONGEST_CHECKPOINT_S
from earmark.streams.flink.job_folder import JobFolder, JobNote, job_folders

DIGEST = "0123"


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path, "profile")


def state(path: Path, *, age_s: float, whole: bool = True) -> Path:
    path.mkdir(parents=True)
    if whole:
        (path / "_metadata").touch()
        os.utime(path / "_metadata", (time.time() - age_s, time.time() - age_s))
    return path


def test_of_all_runs_the_newest_whole_checkpoint_is_taken(folder: JobFolder):
    runs = folder.checkpoints(DIGEST)
    state(runs / "a" / "chk-90", age_s=30)
    newest = state(runs / "b" / "chk-3", age_s=20)
    state(runs / "b" / "chk-4", age_s=10, whole=False)
    assert folder.newest(DIGEST) == newest
    assert folder.newest("another") is None


def test_a_checkpoint_grows_too_old_and_a_savepoint_does_not(folder: JobFolder):
    old = LONGEST_CHECKPOINT_S + 60
    state(folder.checkpoints(DIGEST) / "a" / "chk-1", age_s=old)
    assert folder.newest(DIGEST) is None
    savepoint = state(folder.savepoints(DIGEST) / "savepoint-1", age_s=2 * old)
    assert folder.newest(DIGEST) == savepoint


def test_tidying_leaves_what_the_job_goes_on_from(folder: JobFolder):
    gone = state(folder.checkpoints("before") / "a" / "chk-1", age_s=9)
    kept = state(folder.checkpoints(DIGEST) / "b" / "chk-1", age_s=1)
    folder.tidy(kept)
    assert kept.is_dir()
    assert not gone.exists()


def test_a_note_is_read_back_until_it_is_forgotten(folder: JobFolder, tmp_path: Path):
    note = JobNote(name="profile", url="http://x", job_id="1", started=2.0, savepoints="file:/s")
    folder.write(note)
    (found,) = job_folders(tmp_path)
    assert found.read() == note
    found.forget()
    assert folder.read() is None
