"""Decode processes: media go to a child, blocks of samples come back, and crashes stay outside.

Decoders of old formats are written in C and read bytes from strangers. Each slot is one spawned
process that decodes one event at a time, with a thread here that feeds it, reads its blocks and
replaces it when it dies or hangs. The pipe between them is bounded, so a child that is ahead of
its reader waits; there is no shared memory that a kill could leave behind.

What a child says for one job: `TAKEN`, then samples as raw float32, then an empty message and the
pickled `End`.

T: samples, 16 kHz, mono, float32
"""

import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread

import numpy as np

from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, EarmarkError, RejectionClass, ServiceError
from earmark.streams.decode_child import CRASH_GRACE_S, TAKEN, Child, ChildPlan
from earmark.streams.fetch import Media

START_S = 120.0  # longest start of a child; it imports torch, on a busy machine
_STARTS = 3  # of children in a row that may fail before the slot gives up
_HANDOVERS = 3  # children in a row that may die before they take an event up

Sink = Callable[[Block], None]


class AbandonedError(EarmarkError):
    """Raised by a sink that wants no more of its event; nothing further is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    event: ContentEvent
    media: Media | None
    sink: Sink
    whole: bool


class DecodePool:
    """`slots` decode processes, each with the METER signals named in `meters` beside the decoder.

    A child of which nothing is heard for `stall_s` seconds while this side listens is killed; the
    time that a sink takes does not count. `decode` names the function as `module:function`. To be
    made before other threads begin to compute: children start from here at once. `nice` puts them
    behind other processes. One that wants more than `memory_bytes` beyond what it had when it was
    ready, or more than `cpu_s` seconds of the processor for an event, dies of it (0: any).
    """

    def __init__(
        self,
        slots: int,
        *,
        meters: Sequence[str] = (),
        stall_s: float = 60.0,
        max_hours: float = 24.0,
        first_hours: float | None = None,
        nice: int = 0,
        memory_bytes: int = 0,
        cpu_s: float = 0.0,
        decode: str = "earmark.processors.decode:decode",
    ) -> None:
        plan = ChildPlan(
            decode=decode,
            meters=tuple(meters),
            max_hours=max_hours,
            first_hours=max_hours if first_hours is None else min(first_hours, max_hours),
            nice=nice,
            memory_bytes=memory_bytes,
            cpu_s=cpu_s,
        )
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._slots = [_Slot(plan, self._jobs, stall_s) for _ in range(slots)]
        for slot in self._slots:
            slot.start()

    def submit(
        self, event: ContentEvent, media: Media | None, sink: Sink, *, whole: bool = True
    ) -> None:
        """Queue an event; `sink` gets its blocks, in order, in a thread of the pool.

        One that is not to be decoded `whole` ends with MEDIA_TOO_LONG from `first_hours` on.

        The last block has `end`, exactly once for each event, unless the pool is closed before:
        DECODER_CRASHED and DECODER_STALLED arrive as the `error` of that end. A sink may block.
        Raises ServiceError when no decode process can be started any more.
        """
        self.check()
        self._jobs.put(_Job(event=event, media=media, sink=sink, whole=whole))

    def check(self) -> None:
        """Raise ServiceError if a slot has given up."""
        for slot in self._slots:
            if slot.failure is not None:
                raise ServiceError(f"decoding cannot go on: {slot.failure}") from slot.failure

    def pids(self) -> list[int]:
        """The process ids of the children that live now."""
        return [pid for slot in self._slots if (pid := slot.pid) is not None]

    def close(self) -> None:
        """End all children now; events that have no end yet get none."""
        for slot in self._slots:
            slot.close()
        for _ in self._slots:
            self._jobs.put(None)
        for slot in self._slots:
            slot.join(timeout=5.0)


class _Slot(Thread):
    """One child at a time, and what it is doing."""

    def __init__(
        self, plan: ChildPlan, jobs: "queue.SimpleQueue[_Job | None]", stall_s: float
    ) -> None:
        super().__init__(name="decode", daemon=True)
        self._plan = plan
        self._jobs = jobs
        self._stall_s = stall_s
        self._child: Child | None = None
        self._closing = False
        self.failure: Exception | None = None

    @property
    def pid(self) -> int | None:
        """The living child's process id."""
        child = self._child
        return child.pid if child is not None else None

    def close(self) -> None:
        """End the child; from here on its death is nothing to report."""
        self._closing = True
        if (child := self._child) is not None:
            child.kill()

    def run(self) -> None:
        """Serve jobs until the queue says None."""
        try:
            self._ready_child()
            while (job := self._jobs.get()) is not None and not self._closing:
                self._serve(job)
        except Exception as error:  # noqa: BLE001  # a thread has no caller: `check` raises it there
            self.failure = error
        finally:
            self._replace_child()

    def _serve(self, job: _Job) -> None:
        try:
            end = self._decode(job)
        except AbandonedError:
            self._replace_child()
            return
        if not self._closing:
            job.sink(Block(event=job.event, samples_T=NO_SAMPLES, end=end))
        if self._child is None and not self._closing:
            self._ready_child()

    def _decode(self, job: _Job) -> End:
        """Pass the samples of the job on; its end, be it the child's own or that of the child."""
        child = self._hand_over(job)
        if child is None:
            return End(error=_crashed("each decode process died before it could begin"))
        while isinstance(heard := self._hear(child), bytes):
            samples_T = np.frombuffer(heard, np.float32).copy()  # writable
            job.sink(Block(event=job.event, samples_T=samples_T))
        return heard

    def _hear(self, child: Child) -> bytes | End:
        """The child's next samples or end; apart from the sink, whose errors are its own."""
        try:
            return child.receive() or child.receive_end()
        except BlockingIOError:
            reason = f"no progress for {self._stall_s:g} s"
            self._replace_child()
            return End(error=_error(RejectionClass.DECODER_STALLED, reason))
        except (EOFError, OSError):
            return End(error=_crashed(self._replace_child(grace_s=CRASH_GRACE_S)))

    def _hand_over(self, job: _Job) -> Child | None:
        """The child that has taken the job up; one that was dead already is not the job's fault."""
        for _ in range(_HANDOVERS):
            child = self._ready_child()
            try:
                child.send((job.event, job.media.content if job.media else None, job.whole))
                if child.receive() == TAKEN:
                    return child
            except (EOFError, OSError):
                self._replace_child()
        return None

    def _ready_child(self) -> Child:
        starts = 0
        while self._child is None:
            starts += 1
            self._child = Child(self._plan)
            try:
                self._child.wait_until_ready(START_S)
                self._child.limit_silence(self._stall_s)
            except ServiceError:
                self._child = None
                if starts == _STARTS or self._closing:
                    raise
        return self._child

    def _replace_child(self, *, grace_s: float = 0.0) -> str:
        """Let go of the child, dead or not; says how it ended. The next job starts another."""
        child, self._child = self._child, None
        return child.end(grace_s=grace_s) if child is not None else "it did not start"


def _crashed(how: str) -> ContentError:
    return _error(RejectionClass.DECODER_CRASHED, f"the decode process crashed: {how}")


def _error(rejection_class: RejectionClass, reason: str) -> ContentError:
    return ContentError(rejection_class, reason, part="audio")
