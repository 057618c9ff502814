"""The workers of a run: processes that are killed, frozen, asked to leave, and started again."""

import http.client
import os
import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark.processors.error import ServiceError
from earmark.streams.chaos.plan import WORKER_FREEZE_S
from earmark.streams.chaos.timing import now_ms
from earmark.streams.local.port import HOST
from earmark.streams.local.process import tail
from earmark.streams.local.registry import answers
from earmark.streams.local.worker import READY_S, WorkerProcess
from earmark.streams.settings import Settings, with_worker

BACK_S = (0.1, 1.5)  # a supervisor starts a worker again after so long
AWAY_S = (
    12.0  # a static member that is away for longer than its session (10 s) loses its partitions
)
POLL_S = 0.05
_ANSWER_S = 2.0
_COMMITTED = re.compile(rb'^earmark_transactions_total\{result="committed"\}', re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Member:
    """One slot of the group and the process that has it; times are those of `time.monotonic`."""

    slot: str
    guest: bool = False  # it comes for a while only
    worker: WorkerProcess | None = None
    lives: int = 0
    leaving: bool = False  # it was asked to end
    back_at: float | None = None  # when it is to be started again
    thawed_at: float | None = None  # when it is to go on, while it is frozen

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.worker is not None and self.worker.child.alive

    @property
    def ready(self) -> bool:
        """Whether it takes events and was not asked to leave."""
        return (
            self.worker is not None
            and self.alive
            and not self.leaving
            and self.thawed_at is None
            and answers(self.worker.port, "/readyz")
        )

    @property
    def at_work(self) -> bool:
        """Whether it has also committed something: whoever is killed has got that far each time."""
        return self.ready and self.worker is not None and _has_committed(self.worker.port)


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Workers for `settings`, supervised by whoever calls `tend` often.

    `killed_ms` and `frozen_ms` say when that was done to one of them, in milliseconds since the
    epoch, `rebalances` how often one came or left; `restarts` counts the ends that they came to by
    themselves. Each life of a worker has a log of its own below `folder`.
    """

    settings: Settings
    folder: Path
    random: np.random.Generator
    members: list[Member] = field(default_factory=list)
    killed_ms: list[int] = field(default_factory=list)
    frozen_ms: list[int] = field(default_factory=list)
    rebalances: int = 0
    restarts: int = 0

    def start(self, workers: int) -> None:
        """Start so many and wait until all take events; ServiceError if one does not."""
        self.members = [Member(slot=str(number)) for number in range(workers)]
        for member in self.members:
            self._begin(member)
        deadline = time.monotonic() + READY_S
        while not all(member.ready for member in self.members):
            time.sleep(POLL_S)
            for member in self.members:
                if member.worker is not None and not member.alive:
                    raise ServiceError(f"a worker ended as it started: {_last_words(member)}")
            if time.monotonic() > deadline:
                raise ServiceError(f"the workers were not ready in {READY_S:g} s")

    def kill(self) -> bool:
        """Kill one that is at work; False if none is."""
        member = self._any_at_work()
        if member is None or member.worker is None:
            return False
        self.killed_ms.append(now_ms())
        member.worker.kill()
        member.back_at = time.monotonic() + self.random.uniform(*BACK_S)
        return True

    def freeze(self) -> bool:
        """Stop one that is at work for long (SIGSTOP); False if none is.

        Its partitions go to others meanwhile, so that it wakes up as a zombie.
        """
        member = self._any_at_work()
        if member is None or member.worker is None:
            return False
        self.frozen_ms.append(now_ms())
        os.kill(member.worker.child.pid, signal.SIGSTOP)
        member.thawed_at = time.monotonic() + self.random.uniform(*WORKER_FREEZE_S)
        return True

    def rebalance(self) -> bool:
        """Let one leave for a while, or another come for a while; False if none is at work."""
        if self.rebalances % 2 and not any(member.guest for member in self.members):
            guest = Member(slot=f"guest-{self.rebalances}", guest=True)
            self.members.append(guest)
            self._begin(guest)
        elif (member := self._any_at_work()) is not None:
            self._ask_to_leave(member)
        else:
            return False
        self.rebalances += 1
        return True

    def tend(self) -> None:
        """Start again what has ended, wake up what is frozen, and see guests off."""
        for member in list(self.members):
            if member.thawed_at is not None:
                if time.monotonic() >= member.thawed_at:
                    _thaw(member)
            elif member.guest and member.ready:
                self._ask_to_leave(member)
            elif member.back_at is not None:
                if time.monotonic() >= member.back_at:
                    self._begin(member)
            elif not member.alive:
                self._ended(member)

    def stop(self) -> None:
        """Ask all to end, and wait until they have."""
        for member in self.members:
            if member.thawed_at is not None:
                _thaw(member)
            if member.alive:
                self._ask_to_leave(member)
        for member in self.members:
            if member.worker is not None:
                member.worker.stop()

    def _ended(self, member: Member) -> None:
        if member.guest:
            self.members.remove(member)
        elif member.leaving:
            member.back_at = time.monotonic() + AWAY_S
        else:
            self.restarts += 1
            member.back_at = time.monotonic() + self.random.uniform(*BACK_S)

    def _any_at_work(self) -> Member | None:
        busy = [member for member in self.members if not member.guest and member.at_work]
        return busy[self.random.integers(len(busy))] if busy else None

    def _begin(self, member: Member) -> None:
        member.lives += 1
        logs = self.folder / f"worker-{member.slot}" / f"{member.lives:03d}"
        member.worker = WorkerProcess(with_worker(self.settings, slot=member.slot), log_dir=logs)
        member.leaving, member.back_at = False, None
        member.worker.child.start()  # without waiting: the others go on meanwhile

    def _ask_to_leave(self, member: Member) -> None:
        if member.worker is not None:
            member.leaving = True
            os.kill(member.worker.child.pid, signal.SIGTERM)


def _thaw(member: Member) -> None:
    member.thawed_at = None
    if member.worker is not None and member.alive:
        os.kill(member.worker.child.pid, signal.SIGCONT)


def _has_committed(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/metrics")
        return _COMMITTED.search(connection.getresponse().read()) is not None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_words(member: Member) -> str:
    return tail(member.worker.child.log) if member.worker is not None else ""
