"""A local stack for the benchmark and a worker on it, as they are run: processes of their own."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from earmark.models.error import ServiceError
from earmark.processors.content import ContentEvent
from earmark.streams.bench.plan import Plan
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings

POLL_S = 0.02
STALLED_S = 300.0
_COMMITTED = "earmark_latency_seconds_count"  # counted when the transaction of an event has ended


class Served:
    """A worker that is ready; `loaded_bytes` is its memory before its first event."""

    def __init__(self, settings: Settings, worker: WorkerProcess) -> None:
        self._settings = settings
        self._url = f"{worker.url}/metrics"
        self._process = psutil.Process(worker.child.pid)
        self.loaded_bytes = self.resident_bytes

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

    def answer(self, events: Iterable[ContentEvent]) -> int:
        """Send the events and wait until all are committed; the most bytes resident meanwhile.

        Raises ServiceError when nothing is committed for long.
        """
        expected = self._committed
        with Producer(self._settings) as producer:
            for event in events:
                producer.send(event)
                expected += 1
        most, committed, deadline = 0, -1, 0.0
        while committed < expected:
            time.sleep(POLL_S)
            most = max(most, self.resident_bytes)
            if (now := self._committed) > committed:
                committed, deadline = now, time.monotonic() + STALLED_S
            elif time.monotonic() > deadline:
                raise ServiceError(f"the worker committed nothing for {STALLED_S:g} s")
        return most

    @property
    def _committed(self) -> int:
        with urlopen(self._url, timeout=30) as response:  # noqa: S310  # our own, on loopback
            text = response.read().decode()
        families = text_string_to_metric_families(text)
        return next(int(s.value) for f in families for s in f.samples if s.name == _COMMITTED)


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
