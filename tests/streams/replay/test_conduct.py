"""Who conducts a run."""

import fcntl
from pathlib import Path

import pytest

from earmark.processors.error import ServiceError
from earmark.streams.replay.conduct import conduct, log_folder
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
            conduct(settings, manifest, workers=1, watch=lambda _: None)
