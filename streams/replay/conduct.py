"""Conducts a replay from this process: its workers as children, started again when they die."""

import fcntl
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from earmark.models.error import ServiceError
from earmark.streams.local.environment import environment
from earmark.streams.local.process import Child, tail
from earmark.streams.replay.manifest import Manifest, State, moved_to
from earmark.streams.replay.progress import Progress, ProgressReader
from earmark.streams.settings import Settings
from earmark.streams.supervisor import EXIT_BREAKER, EXIT_MISUSED, Backoff, ending

TICK_S = 0.5
STOP_S = 60.0  # a worker needs 30 s at most to finish what it has

Watch = Callable[[Progress], None]
Say = Callable[[str], None]


def conduct(
    settings: Settings, manifest: Manifest, *, workers: int, watch: Watch, say: Say
) -> Manifest:
    """Run the replay to its end with so many workers on this machine; the manifest then.

    A run that was interrupted goes on where it stood. `watch` is told now and then how far it is,
    and `say` of each worker that has died and is started again.
    Raises ServiceError when a worker cannot go on by itself; its log is named. Likewise where
    another process of this machine conducts the run: their workers would end each other.
    """
    if manifest.state != State.BEGUN:
        return manifest
    with (
        _claimed(log_folder(settings, manifest.run), manifest.run),
        closing(ProgressReader(settings.kafka, manifest)) as reader,
        _children(settings, manifest, workers) as crew,
    ):
        progress = reader.read()
        while not progress.is_through:
            watch(progress)
            for child in crew:
                child.tend(say)
            time.sleep(TICK_S)
            progress = _progress(reader, progress)
        watch(progress)
        for child in crew:
            child.wait()
    _forget_receipts(settings, manifest)
    return moved_to(settings.kafka, manifest, State.FINISHED)


class _Crewman:
    """One worker, started again after a pause when it ends with an error."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._backoff = Backoff()
        self._started_at = 0.0
        self._again_at: float | None = 0.0

    def tend(self, say: Say) -> None:
        """See to it that it runs; raises ServiceError if that would not help."""
        if self._again_at is not None:
            if time.monotonic() >= self._again_at:
                self.child.start()
                self._started_at, self._again_at = time.monotonic(), None
        elif not self.child.alive:
            status = self.child.wait(1.0)
            if status in (EXIT_MISUSED, EXIT_BREAKER):
                raise ServiceError(f"a worker of the replay cannot go on; {tail(self.child.log)}")
            pause_s = self._backoff.pause_s(time.monotonic() - self._started_at)
            self._again_at = time.monotonic() + pause_s
            if status != 0:
                how = f"has ended ({ending(status)}) and starts again in {pause_s:.0f} s"
                say(f"{self.child.name} {how}; {tail(self.child.log)}")

    def wait(self) -> None:
        """Let it find out by itself that all is done; one that is still starting is stopped."""
        if self.child.alive:
            with suppress(ServiceError):
                self.child.wait(STOP_S)


@contextmanager
def _claimed(folder: Path, run: str) -> Iterator[None]:
    """Keep the run for this process, by a lock of the kernel that ends with it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(f"replay {run} is being run by another process here") from error
        yield


@contextmanager
def _children(settings: Settings, manifest: Manifest, workers: int) -> Iterator[list[_Crewman]]:
    folder = log_folder(settings, manifest.run)
    crew = [_Crewman(_child(settings, manifest, str(n), workers, folder)) for n in range(workers)]
    try:
        yield crew
    finally:
        for member in crew:
            member.child.stop(grace_s=STOP_S)


def _child(settings: Settings, manifest: Manifest, slot: str, workers: int, folder: Path) -> Child:
    options = ["--slot", slot, "--workers", str(workers)]
    return Child(
        f"replay-{manifest.run}-{slot}",
        [sys.executable, "-m", "earmark", "replay", "work", manifest.run, *options],
        log=folder / f"worker-{slot}.log",
        environment=environment(settings),
    )


def log_folder(settings: Settings, run: str) -> Path:
    """Where the logs of a run's workers are on this machine."""
    return settings.state_folder / "replay" / run


def _forget_receipts(settings: Settings, manifest: Manifest) -> None:
    """Remove this machine's copy of the run's receipts: erasure does not reach it any more."""
    topic = manifest.settings(settings).kafka.receipts_topic
    for folder in settings.state_folder.glob(f"*/{topic}"):
        shutil.rmtree(folder, ignore_errors=True)


def _progress(reader: ProgressReader, last: Progress) -> Progress:
    try:
        return reader.read()
    except ServiceError:
        return last  # the brokers are away; they come back, or the workers say so
