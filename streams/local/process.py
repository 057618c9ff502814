"""Processes of the local stack: started, watched until they are ready, stopped, killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from earmark.models.error import ServiceError
from earmark.streams.local import tether

POLL_S = 0.05
TAIL_LINES = 12
START_TIME_TOLERANCE_S = 2.0  # the kernel's clock is adjusted; a pid is not reused that soon


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process for certain: pids are reused, pids with their start time are not.

    `started` is in seconds since the epoch.
    """

    name: str
    pid: int
    started: float

    @classmethod
    def of(cls, name: str, pid: int) -> "ProcessId":
        """The process that has `pid` now; ServiceError if there is none."""
        try:
            return cls(name=name, pid=pid, started=psutil.Process(pid).create_time())
        except psutil.Error as error:
            raise ServiceError(f"{name} (process {pid}) has ended") from error

    def find(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < START_TIME_TOLERANCE_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


class Child:
    """A child process with a log file of its own, in a session of its own.

    It gets `farewell` when this process ends or the thread that called `start` does (see tether).
    The log of the start before is kept beside it as `<log>.1`.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        folder: Path | None = None,
        farewell: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = dict(environment)
        self._folder = folder
        self._farewell = farewell
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; ServiceError before the start."""
        if self._process is None:
            raise ServiceError(f"{self.name} was not started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, negative after a signal; None as long as it runs, or was not started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it, without waiting for anything."""
        tethered = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
        with fresh_log(self.log).open("wb") as log:
            self._process = subprocess.Popen(
                [*tethered, str(int(self._farewell)), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready` says so; ServiceError with the log's end if it ends or is late."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.alive:
                raise ServiceError(f"{self.name} ended as it started: {tail(self.log)}")
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{self.name} was not ready in {timeout_s:g} s: {tail(self.log)}"
                )
            time.sleep(POLL_S)

    def wait(self, timeout_s: float) -> int:
        """Its exit status, once it has ended by itself; ServiceError if that takes longer."""
        if self._process is None:
            raise ServiceError(f"{self.name} was not started")
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ServiceError(f"{self.name} has not ended in {timeout_s:g} s") from None

    def listens_on(self, port: int) -> bool:
        """Whether this very process listens on `port`: an open port may be someone else's."""
        try:
            sockets = psutil.Process(self.pid).net_connections(kind="tcp")
        except psutil.Error:
            return False
        return any(
            socket.status == psutil.CONN_LISTEN and socket.laddr.port == port for socket in sockets
        )

    def stop(self, grace_s: float = 30.0) -> None:
        """Ask it to end, and kill it when `grace_s` have passed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def fresh_log(path: Path) -> Path:
    """`path`, free for a new log; the one that was there is kept as `<path>.1`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_name(path.name + ".1"))
    return path


def tail(log: Path) -> str:
    """The last lines of a log and where it is, for an error; Java's stack frames left out."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if not line.startswith("\tat ")][-TAIL_LINES:]
    return "\n".join([f"last lines of {log}:", *(f"  {line}" for line in telling)])


def plain_environment() -> dict[str, str]:
    """What a Java part needs of our environment; the rest may hold options meant for others."""
    kept = ("HOME", "LANG", "PATH", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in kept if name in os.environ}
