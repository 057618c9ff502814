"""A local stack for the benchmark and a worker on it, as they are run: processes of their own."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from urllib.request import urlopen

import psutil

from earmark.models.error import ServiceError
from earmark.processors.content import ContentEvent
from earmark.streams.bench.plan import Plan
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings

POLL_S = 0.05  # asking costs the worker about a millisecond
STALLED_S = 1_800.0  # a recording of hours is one commit
SETTLED_BYTES = 1_000_000  # memory that grows by less in a second has stopped growing
_COMMITTED = "earmark_latency_seconds_count"  # counted when the transaction of an event has ended
_REJECTED = "earmark_rejections_total"


def unwatched() -> None:
    """Nothing happens while the worker works."""


class Served:
    """A worker that is ready; `loaded_bytes` is its memory before its first event."""

    def __init__(self, settings: Settings, worker: WorkerProcess) -> None:
        self._settings = settings
        self._url = f"{worker.url}/metrics"
        self._process = psutil.Process(worker.child.pid)
        self.loaded_bytes = self._settled_bytes()

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the worker and its decode processes."""
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue  # a decode process that has just ended
        return total

    def answer(
        self, events: Iterable[ContentEvent], *, watch: Callable[[], None] = unwatched
    ) -> None:
        """Send the events and wait until all are committed, calling `watch` all the while.

        Raises ServiceError when nothing is committed for long, or when an event is rejected.
        """
        expected = self._count(_COMMITTED)
        with Producer(self._settings) as producer:
            for event in events:
                producer.send(event)
                expected += 1
        committed, deadline = -1, 0.0
        while committed < expected:
            time.sleep(POLL_S)
            watch()
            if (now := self._count(_COMMITTED)) > committed:
                committed, deadline = now, time.monotonic() + STALLED_S
            elif time.monotonic() > deadline:
                raise ServiceError(f"the worker committed nothing for {STALLED_S:g} s")
        if rejected := self._count(_REJECTED):
            raise ServiceError(f"the worker rejected {rejected} of the benchmark's events")

    def _settled_bytes(self) -> int:
        """Resident memory once the decode processes, which load beside the worker, are ready."""
        before, now = 0, self.resident_bytes
        while abs(now - before) > SETTLED_BYTES:
            time.sleep(1)
            before, now = now, self.resident_bytes
        return now

    def _count(self, metric: str) -> int:
        """The worker's own count, over all labels."""
        try:
            with urlopen(self._url, timeout=30) as response:  # noqa: S310  # our own, on loopback
                lines = response.read().decode().splitlines()
        except OSError as error:
            raise ServiceError(f"the worker of the benchmark has ended: {error}") from error
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(metric))


@contextmanager
def served(plan: Plan) -> Iterator[Served]:
    """A fresh worker on the stack of the benchmark; it may read the folder of the plan."""
    plan.pull()
    stack = _stack(plan)
    worker = WorkerProcess(stack.settings, log_dir=stack.home / "logs")
    try:
        worker.start()
        yield Served(stack.settings, worker)
    finally:
        worker.stop()


@cache
def _stack(plan: Plan) -> Stack:
    """Broker and registry, started for the first row that needs them, stopped with the plan."""
    media = plan.settings.media
    settings = plan.settings.model_copy(
        update={"media": media.model_copy(update={"roots": (*media.roots, plan.folder)})}
    )
    stack = Stack(
        settings,
        home=plan.folder / "stack",
        worker=False,
        progress=plan.progress,
        report=plan.report,
    )
    return plan.closing.enter_context(stack)
