"""Keeps a part of the local stack running, by the rules by which a supervisor keeps a worker."""

import time
from collections.abc import Mapping
from typing import Protocol

from earmark.models.error import ServiceError
from earmark.streams.local.process import Child
from earmark.streams.local.report import Report
from earmark.streams.supervisor import Backoff, ending


class Part(Protocol):
    """What can be kept: a child process that is started without waiting, and is ready later."""

    child: Child

    def launch(self) -> None:
        """Start it; raises ServiceError where that is not possible now."""

    def is_ready(self) -> bool:
        """Whether it does its work; raises ServiceError where it never will."""


class Keeper:
    """Starts one part again when it has ended, after a pause that grows from 1 to 60 seconds.

    `hopeless` are exit statuses after which a new start would end the same way, with the reason:
    then the part `is_left` alone. `report` gets a line for each end and each start.
    """

    def __init__(
        self,
        name: str,
        part: Part,
        report: Report,
        *,
        hopeless: Mapping[int, str],
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self._part = part
        self._report = report
        self._hopeless = hopeless
        self._backoff = backoff or Backoff()
        self._launched_at = time.monotonic()
        self._due_at: float | None = None  # when it is to be started
        self._is_starting = False
        self.is_left = False

    def tend(self) -> bool:
        """Do what is to be done now, without waiting; whether it has ended or is ready again."""
        if self.is_left:
            return False
        if self._due_at is not None:
            if time.monotonic() >= self._due_at:
                self._launch()
            return False
        if not self._part.child.alive:
            self._note_end(ending(self._part.child.status or 0))
            return True
        return self._is_starting and self._note_start()

    def _launch(self) -> None:
        self._due_at = None
        self._launched_at = time.monotonic()
        try:
            self._part.launch()
        except ServiceError as error:
            self._note_end(str(error))
        else:
            self._is_starting = True

    def _note_start(self) -> bool:
        try:
            self._is_starting = not self._part.is_ready()
        except ServiceError as error:
            self._report(f"{self.name}: {error}")
            self._part.child.kill()
        if not self._is_starting:
            self._report(f"{self.name} runs again")
        return not self._is_starting

    def _note_end(self, how: str) -> None:
        reason = self._hopeless.get(self._part.child.status or 0)
        if reason is not None:
            self.is_left = True
            self._report(f"{self.name} has ended ({how}): {reason}; see {self._part.child.log}")
            return
        pause_s = self._backoff.pause_s(time.monotonic() - self._launched_at)
        self._due_at = time.monotonic() + pause_s
        self._report(f"{self.name} has ended ({how}); starting it again in {pause_s:.1f} s")
