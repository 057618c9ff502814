"""Kills a job that ends by itself, amid its work and more than once: for proofs and tests."""

from contextlib import suppress
from threading import Event, Thread
from types import TracebackType

import psutil

from earmark.streams.flink.job_folder import JobFolder
from earmark.streams.local.process import ProcessId
from earmark.streams.settings import Settings

_POLL_S = 0.02


class Interruption:
    """While it is entered, whoever runs the job `name` gets SIGKILL, `kills` times in all.

    Each process gets it once, as soon as its job is submitted. `done` says how many have got it.
    """

    def __init__(self, settings: Settings, name: str, kills: int) -> None:
        self._folder = JobFolder(settings.state_folder, name)
        self._kills = kills
        self._over = Event()
        self._thread = Thread(target=self._run, name=f"kills-{name}", daemon=True)
        self.done = 0

    def __enter__(self) -> "Interruption":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        killed: set[ProcessId] = set()
        while len(killed) < self._kills and not self._over.wait(_POLL_S):
            note = self._folder.read()
            if note is None or note.process is None or note.process in killed:
                continue
            process = note.process.find()
            if process is not None:
                with suppress(psutil.NoSuchProcess):  # it has ended just now
                    process.kill()
                    killed.add(note.process)
                    self.done = len(killed)
