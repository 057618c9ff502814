"""The stack in the background: `earmark up` starts it, `earmark down` stops it.

What runs on is `earmark up --foreground`, which keeps broker, registry and worker alive and takes
them along when it ends.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

from earmark.models.error import ServiceError
from earmark.streams.local import detach
from earmark.streams.local.environment import environment
from earmark.streams.local.process import POLL_S, ProcessId, fresh_log, tail
from earmark.streams.local.report import Report, unreported
from earmark.streams.local.state import (
    StackState,
    claimed,
    read_state,
    remove_state,
    running_stack,
)
from earmark.streams.settings import Settings

STOP_S = 90.0  # the worker finishes what it has, the JVMs may write their class archives
DATA = ("kafka", "registry", "logs")


def start_in_background(
    settings: Settings,
    *,
    port: int | None = None,
    registry_port: int | None = None,
    worker: bool = True,
    extras: Sequence[str] = (),
    report: Report = unreported,
) -> StackState:
    """The stack on `settings.home`, which runs on when this process ends; the one there if any.

    Fetch the parts before (see `fetch_parts`): here nobody sees their progress. `report` gets the
    lines in which the stack says how far it is. Raises ServiceError with the end of its log if it
    does not start.
    """
    if state := running_stack(settings.home):
        return state
    log = fresh_log(settings.home / "logs" / "stack.log")
    options = _options(port=port, registry_port=registry_port, worker=worker, extras=extras)
    command = [sys.executable, "-m", "earmark", "up", "--foreground", *options]
    keeper = ProcessId.of("local stack", _detach(command, log, environment(settings)))
    return _wait_until_started(keeper, settings.home, log, report)


def stop_in_background(home: Path, *, purge: bool = False) -> StackState | None:
    """Stop the stack that was started on `home`; what it was, None if none ran.

    Only processes that the stack noted as its own are ended. `purge` removes its data and logs;
    ServiceError if a broker that is not the stack's still uses them.
    """
    state = read_state(home)
    alive = _alive(state.processes) if state else []
    keeper = state.process("stack") if state else None
    _end([found] if keeper and (found := keeper.find()) else [], STOP_S)
    _end(_alive(state.processes) if state else [], STOP_S)
    remove_state(home)
    if purge:
        with claimed(home):
            for name in DATA:
                shutil.rmtree(home / name, ignore_errors=True)
    return state if alive else None


def _options(
    *, port: int | None, registry_port: int | None, worker: bool, extras: Sequence[str]
) -> Iterable[str]:
    if port is not None:
        yield f"--port={port}"
    if registry_port is not None:
        yield f"--registry-port={registry_port}"
    if not worker:
        yield "--no-worker"
    if extras:
        yield f"--with={','.join(extras)}"


def _detach(command: list[str], log: Path, variables: dict[str, str]) -> int:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", detach.__file__, str(log), *command],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServiceError(f"the local stack could not be started: {error}") from error
    return int(done.stdout)


def _wait_until_started(keeper: ProcessId, home: Path, log: Path, report: Report) -> StackState:
    reported = 0
    while True:
        state = running_stack(home)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines[reported:]:
            report(line)
        reported = len(lines)
        noted = state.process("stack") if state else None
        if state and noted and noted.pid == keeper.pid:
            return state
        if keeper.find() is None:
            raise ServiceError(f"the local stack did not start: {_last_words(log)}")
        time.sleep(POLL_S)


def _last_words(log: Path) -> str:
    """What `earmark up --foreground` said as it ended; the log's end if it said nothing."""
    _, said, words = log.read_text(encoding="utf-8", errors="replace").rpartition("\nearmark: ")
    return words.strip() if said else tail(log)


def _alive(processes: Iterable[ProcessId]) -> list[psutil.Process]:
    return [found for process in processes if (found := process.find())]


def _end(processes: list[psutil.Process], grace_s: float) -> None:
    """SIGTERM, and SIGKILL for what is still there after `grace_s`."""
    for process in processes:
        _signal(process.terminate)
    _, stubborn = psutil.wait_procs(processes, timeout=grace_s)
    for process in stubborn:
        _signal(process.kill)
    psutil.wait_procs(stubborn, timeout=grace_s)


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return  # it ended by itself in the meantime
