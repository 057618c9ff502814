"""One decode process: how it is started, spoken to and ended; and what runs inside it."""

import ctypes
import multiprocessing
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.resource_tracker import ensure_running
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from earmark.processors.block import Block, End
from earmark.processors.content import ContentEvent
from earmark.processors.error import ServiceError
from earmark.streams.allocator import return_large_blocks
from earmark.streams.confinement import allow_time, confine

READY = b"ready"
TAKEN = b"taken"

# Ctrl-C and a service manager's SIGTERM reach the parent too, which decides when a child ends
_REQUESTS_TO_END = (signal.SIGINT, signal.SIGTERM)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_KILL_S = 5.0
CRASH_GRACE_S = 2.0  # from the end of its pipe to the end of a process that is crashing

Decode = Callable[..., Iterator[Block]]
Job = tuple[ContentEvent, bytes | Path | None, bool]  # the last: whether it is decoded `whole`


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """What a child is to load: all by name, since it starts from nothing."""

    decode: str
    meters: tuple[str, ...]
    max_hours: float
    first_hours: float  # the limit of jobs that are not to be decoded `whole`
    nice: int = 0  # how far it stands behind other processes
    memory_bytes: int = 0  # beyond what it has when it is ready; 0: any
    cpu_s: float = 0.0  # of the processor for one job; 0: any


class Child:
    """A decode process and this side of its pipe; used by one thread, but for `kill`."""

    def __init__(self, plan: ChildPlan) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(plan, theirs, os.getpid()), name="earmark-decode", daemon=True
        )
        with _no_requests_to_end():
            self._process.start()
        # without, our exit would ask it to end, which it does not heed, and wait for it for ever
        Finalize(self, self._process.kill, exitpriority=0)
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid

    def wait_until_ready(self, limit_s: float) -> None:
        """Wait until everything is loaded; raises ServiceError if it does not come to that."""
        self.limit_silence(limit_s)
        try:
            self.receive()
        except BlockingIOError as error:
            self.end()
            raise ServiceError(f"a decode process was not ready in {limit_s:g} s") from error
        except (EOFError, OSError) as error:
            cause = self.end(grace_s=CRASH_GRACE_S)
            raise ServiceError(f"a decode process did not start: {cause}") from error

    def limit_silence(self, limit_s: float) -> None:
        """Let `send` and `receive` raise BlockingIOError when nothing moves for `limit_s`.

        Set on the socket itself: a child that stops in the middle of a message is noticed too.
        """
        limit = struct.pack("ll", int(limit_s), int(limit_s % 1 * 1e6))
        with socket.socket(fileno=os.dup(self._pipe.fileno())) as this_end:
            this_end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            this_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, job: Job) -> None:
        """Hand it a job."""
        self._pipe.send(job)

    def receive(self) -> bytes:
        """Its next message; raises EOFError or OSError once it is dead."""
        return self._pipe.recv_bytes()

    def receive_end(self) -> End:
        """The end that follows an empty message."""
        end: End = self._pipe.recv()
        return end

    def kill(self) -> None:
        """End the process; whoever waits for a message of it gets EOFError."""
        self._process.kill()

    def end(self, *, grace_s: float = 0.0) -> str:
        """End the process and clear up; says what it died of, if it does so within the grace."""
        self._process.join(timeout=grace_s)
        self._process.kill()
        self._process.join(timeout=_KILL_S)
        self._pipe.close()
        return _cause(self._process.exitcode)


def _cause(exit_code: int | None) -> str:
    if exit_code is None:
        return "it could not be killed"
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit status {exit_code}"


@contextmanager
def _no_requests_to_end() -> Iterator[None]:
    """Hold them back in this thread, and so in a process that it starts, from its first moment."""
    ensure_running()  # the first start of a process starts this one too, and then lets them through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _REQUESTS_TO_END)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(plan: ChildPlan, pipe: Connection, parent: int) -> None:
    _die_with(parent)
    for number in _REQUESTS_TO_END:  # until here they were held back
        signal.signal(number, signal.SIG_IGN)
    return_large_blocks()
    os.nice(plan.nice)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold people's content
    decode, meters = _load(plan)
    confine(plan.memory_bytes)
    pipe.send_bytes(READY)
    while (job := _next_job(pipe)) is not None:
        event, media, whole = job
        pipe.send_bytes(TAKEN)
        allow_time(plan.cpu_s)
        max_hours = plan.max_hours if whole else plan.first_hours
        _send(pipe, decode(event, media, meters=meters, max_hours=max_hours))


def _next_job(pipe: Connection) -> Job | None:
    try:
        job: Job = pipe.recv()
    except EOFError:
        return None  # the parent is gone
    return job


def _send(pipe: Connection, blocks: Iterator[Block]) -> None:
    for block in blocks:
        if len(block.samples_T):
            pipe.send_bytes(block.samples_T.tobytes())
        if block.end is not None:
            pipe.send_bytes(b"")
            pipe.send(block.end)
            return
    sys.exit("decoding ended without an end")


def _load(plan: ChildPlan) -> tuple[Decode, dict[str, Any]]:
    module, _, function = plan.decode.partition(":")
    return getattr(import_module(module), function), _load_meters(plan.meters)


def _load_meters(names: tuple[str, ...]) -> dict[str, Any]:
    if not names:
        return {}
    # imported here, so that the parent starts its children before it loads torch for itself
    import torch

    from earmark.processors.loader import load_specs
    from earmark.processors.signal import Takes

    torch.set_num_threads(1)  # one core per child; the threads of many children would fight
    specs = load_specs(names)
    return {name: spec.make for name, spec in specs.items() if spec.takes is Takes.METER}


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with the thread that started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(0)
