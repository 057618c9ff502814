"""A parent that keeps one worker alive: starts it, passes signals on, starts it again when it dies.

The parent does nothing else and loads nothing heavy, so there is little that could end it. The
worker cannot outlive it, whatever it dies of: the kernel sees to that (see `local.tether`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from earmark.models.error import ServiceError
from earmark.streams.local import tether

log = structlog.get_logger()

EXIT_MISUSED = 2  # wrong settings or arguments: the same start would end the same way
EXIT_BREAKER = 78  # EX_CONFIG of sysexits.h: the worker found that going on does harm
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
GOOD_LIFE_S = 300.0  # who has lived that long starts with the first pause again
STOP_GRACE_S = 60.0  # for a worker to finish what it has, which takes it 30 s at most
_POLL_S = 0.1
HOPELESS = {EXIT_MISUSED: "wrong settings or arguments", EXIT_BREAKER: "the breaker is open"}


class Backoff:
    """How long to wait before the next start: doubling, with jitter, from 1 s to 60 s.

    The wait is drawn between one half and the whole of its step, so that workers which lost the
    same broker do not all come back to it in the same moment.
    """

    def __init__(self, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._draw = draw
        self._step_s = FIRST_PAUSE_S

    def pause_s(self, lived_s: float) -> float:
        """Seconds to wait after a life of `lived_s` seconds that ended with an error."""
        if lived_s >= GOOD_LIFE_S:
            self._step_s = FIRST_PAUSE_S
        step_s = self._step_s
        self._step_s = min(2 * step_s, LONGEST_PAUSE_S)
        return self._draw(step_s / 2, step_s)


class Supervisor:
    """Runs `command` again and again until it ends well, cannot be helped, or is asked to stop.

    `run` belongs into the main thread, which gets the signals and to which the child is tied.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        backoff: Backoff | None = None,
        stop_grace_s: float = STOP_GRACE_S,
        name: str = "worker",
    ) -> None:
        self._name = name
        self._command = list(command)
        self._backoff = backoff or Backoff()
        self._stop_grace_s = stop_grace_s
        # A plain flag: a handler that takes a lock can meet the very code that holds it.
        self._stopping = False

    def run(self) -> int:
        """Supervise, then return the exit status: 0 after a stop or a good end, else the child's.

        SIGTERM and SIGINT end the child and then this. Raises ServiceError if the command cannot
        be started.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_signal)
        while True:
            started_at = time.monotonic()
            status = self._run_child()
            if self._stopping or status == 0:
                return 0 if status in (0, -signal.SIGTERM) else _shell_status(status)
            if status in HOPELESS:
                log.error(f"{self._name} not started again", reason=HOPELESS[status])
                return status
            pause_s = self._backoff.pause_s(time.monotonic() - started_at)
            log.info(f"{self._name} starts again", seconds=round(pause_s, 1))
            self._sleep(pause_s)
            if self._stopping:
                return 0

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _run_child(self) -> int:
        child = self._start()
        log.info(f"{self._name} started", pid=child.pid)
        while (status := child.poll()) is None and not self._stopping:
            time.sleep(_POLL_S)
        if status is None:
            status = self._stop(child)
        tell = log.info if status == 0 else log.warning
        tell(f"{self._name} ended", pid=child.pid, how=ending(status))
        return status

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start the child in a session of its own: Ctrl-C reaches it only through here."""
        tied = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
        try:
            return subprocess.Popen(
                [*tied, str(int(signal.SIGKILL)), *self._command],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ServiceError(f"cannot start the {self._name}: {error.strerror}") from error

    def _stop(self, child: "subprocess.Popen[bytes]") -> int:
        """Let the child finish what it has.

        It gets SIGTERM for SIGINT too: to a Python program that is still loading, SIGINT is an
        error with a traceback.
        """
        log.info("stopping", pid=child.pid)
        child.terminate()
        try:
            return child.wait(self._stop_grace_s)
        except subprocess.TimeoutExpired:
            log.warning(f"{self._name} killed", pid=child.pid, grace_s=self._stop_grace_s)
            child.kill()
            return child.wait()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(_POLL_S, left))


def ending(status: int) -> str:
    """How a process ended, in words: `exit status 1` or `killed by SIGSEGV`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {-status}"


def _shell_status(status: int) -> int:
    """An exit status as a shell gives it: 128 and the number for a death by a signal."""
    return status if status >= 0 else 128 - status
