"""A job's folder: its checkpoints and savepoints, and the note by which others find it."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from earmark.streams.flink.job import LONGEST_CHECKPOINT_S
from earmark.streams.local.process import ProcessId

_NOTE = "job.json"
_WHOLE = "_metadata"  # written last: without it a checkpoint is not one


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNote:
    """Where a job runs: the REST address of its Flink, its id there, since when, from what state.

    `process` is who runs an embedded Flink, None where the job is a cluster's.
    """

    name: str
    url: str
    job_id: str
    started: float
    savepoints: str  # where they belong, as a uri
    restored: str | None = None
    process: ProcessId | None = None

    @property
    def running(self) -> bool:
        """Whether its process is alive; of a cluster's job only the cluster knows."""
        return self.process is None or self.process.find() is not None


class JobFolder:
    """Below `<state>/flink/jobs/<name>`: state by the job's digest, and one note."""

    def __init__(self, state: Path, name: str) -> None:
        self.path = state.absolute() / "flink" / "jobs" / name
        self.name = name

    def checkpoints(self, digest: str) -> Path:
        """Where Flink puts checkpoints, in a folder per run."""
        return self.path / "checkpoints" / digest

    def savepoints(self, digest: str) -> Path:
        """Where Flink puts savepoints."""
        return self.path / "savepoints" / digest

    def newest(self, digest: str) -> Path | None:
        """The state to go on from, None where all is to be read again.

        A savepoint is as good as on its first day. A checkpoint is not: its transactions end with
        it, and what the broker has aborted in the meantime would be missing for ever.
        """
        savepoints = _whole(self.savepoints(digest).glob("*"))
        limit = time.time() - LONGEST_CHECKPOINT_S
        checkpoints = _whole(self.checkpoints(digest).glob("*/chk-*"))
        found = [*savepoints, *(entry for entry in checkpoints if entry[0] > limit)]
        return max(found)[1] if found else None

    def tidy(self, keep: Path | None) -> None:
        """Remove the state of other runs and other jobs of this name; that in `keep` stays."""
        for kind in ("checkpoints", "savepoints"):
            for run in self.path.glob(f"{kind}/*/*"):
                if keep is None or not keep.is_relative_to(run):
                    shutil.rmtree(run, ignore_errors=True)

    def write(self, note: JobNote) -> None:
        """Leave the note, whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        fresh = self.path / f".{_NOTE}.{os.getpid()}"
        fresh.write_text(json.dumps(asdict(note), indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.path / _NOTE)

    def read(self) -> JobNote | None:
        """The note as it was left; None if there is none."""
        try:
            fields = json.loads((self.path / _NOTE).read_text(encoding="utf-8"))
            process = fields.pop("process")
            return JobNote(**fields, process=ProcessId(**process) if process else None)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def forget(self) -> None:
        """Take the note away."""
        (self.path / _NOTE).unlink(missing_ok=True)


def job_folders(state: Path) -> Iterator[JobFolder]:
    """Those of all jobs that ever ran below `state`."""
    for path in sorted((state.absolute() / "flink" / "jobs").glob("*")):
        yield JobFolder(state, path.name)


def _whole(folders: Iterator[Path]) -> list[tuple[float, Path]]:
    found = []
    for folder in folders:
        try:
            found.append(((folder / _WHOLE).stat().st_mtime, folder))
        except OSError:
            continue  # not whole, or on its way out
    return found
