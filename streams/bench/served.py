"""A local stack for the benchmark and a worker on it, as they are run: processes of their own."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from urllib.request import urlopen

import psutil
from confluent_kafka import Consumer, TopicPartition

from earmark.models.error import ServiceError
from earmark.processors.content import ContentEvent
from earmark.streams.bench.plan import Plan
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.header import FORCE
from earmark.streams.kafka import client_config
from earmark.streams.local.service import command_line
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.settings import Settings, with_worker
from earmark.streams.topic import CONTENT_EVENTS, LONG_EVENTS, create_topics

POLL_S = 0.05  # asking costs the worker about a millisecond
STALLED_S = 1_800.0  # a recording of hours is one commit
SETTLED_BYTES = 1_000_000  # memory that grows by less in a second has stopped growing
_NO_HEADERS: Mapping[str, bytes] = {}
_ANEW = {FORCE: b"true"}
_COMMITTED = "earmark_latency_seconds_count"  # counted when the transaction of an event has ended
_REJECTED = "earmark_rejections_total"
_TRANSACTIONS = "earmark_transactions_total"


def unwatched() -> None:
    """Nothing happens while the worker works."""


class Served:
    """A worker that is ready; `loaded_bytes` is its memory before its first event."""

    def __init__(self, settings: Settings, worker: WorkerProcess) -> None:
        self._settings = settings
        self._url = f"{worker.url}/metrics"
        self._process = psutil.Process(worker.child.pid)
        self._expected = 0
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
        self,
        events: Iterable[ContentEvent],
        *,
        watch: Callable[[], None] = unwatched,
        anew: bool = False,
        set_apart: int = 0,
    ) -> None:
        """Send the events and wait until all are committed, calling `watch` all the while.

        `anew`, audio that was heard before is heard again. So many recordings are long enough to be
        `set_apart`: they are committed twice, then and when they are answered. Raises ServiceError
        when nothing is committed for long, or when an event is rejected.
        """
        self._expected = self._count(_COMMITTED) + set_apart
        self._send(events, _ANEW if anew else {})
        self._wait(watch)

    def send(self, events: Iterable[ContentEvent]) -> None:
        """Send the events, for any worker of the stack; audio is heard again."""
        self._send(events, _ANEW)

    def queue(self, events: Iterable[ContentEvent]) -> None:
        """Send the events while the worker stands still; `finish` lets it go on."""
        self._expected = self._count(_COMMITTED)
        self._process.suspend()
        self._send(events)

    def finish(self) -> None:
        """Let the worker answer what was queued; raises as `answer` does."""
        self._process.resume()
        self._wait(unwatched)

    def signal(self, number: int) -> None:
        """Tell the worker something by a signal of the system."""
        self._process.send_signal(number)

    @property
    def committed(self) -> int:
        """How many events it has committed."""
        return self._count(_COMMITTED)

    @property
    def transactions(self) -> int:
        """How often it has published, be it in transactions or not."""
        return self._count(_TRANSACTIONS)

    def _send(
        self, events: Iterable[ContentEvent], headers: Mapping[str, bytes] = _NO_HEADERS
    ) -> None:
        with Producer(self._settings) as producer:
            for event in events:
                producer.send(event, headers=headers)
                self._expected += 1

    def _wait(self, watch: Callable[[], None]) -> None:
        committed, deadline = -1, 0.0
        while committed < self._expected:
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
        return int(self.reading(metric))

    def reading(self, metric: str) -> float:
        """What the worker's own metric says, over all labels."""
        try:
            with urlopen(self._url, timeout=30) as response:  # noqa: S310  # our own, on loopback
                lines = response.read().decode().splitlines()
        except OSError as error:
            raise ServiceError(f"the worker of the benchmark has ended: {error}") from error
        return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))


@contextmanager
def served(
    plan: Plan, settings: Settings, *, command: Sequence[str] = command_line("worker")
) -> Iterator[Served]:
    """A fresh worker for the settings of a `group_of` its own; it may read the plan's folder."""
    stack = stack_of(plan)
    plan.pull(settings.worker.signals or None)
    worker = WorkerProcess(settings, log_dir=stack.home / "logs", command=command)
    try:
        worker.start()
        yield Served(settings, worker)
    finally:
        worker.stop()


@cache
def stack_of(plan: Plan) -> Stack:
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


def group_of(plan: Plan, name: str, *, signals: Sequence[str], protocol: str) -> Settings:
    """The settings of a new group of workers on the stack; it begins with what comes next."""
    settings = stack_of(plan).settings
    own = {
        "group_id": f"bench-{name}",
        "receipts_topic": f"bench-{name}.receipts.v1",
        "group_protocol": protocol,
    }
    kafka = settings.kafka.model_copy(update=own)
    settings = with_worker(settings.model_copy(update={"kafka": kafka}), signals=tuple(signals))
    create_topics(settings)
    _begin_at_the_end(settings)
    return settings


def _begin_at_the_end(settings: Settings) -> None:
    ends: list[TopicPartition] = []
    for topic in (CONTENT_EVENTS, LONG_EVENTS):
        with CommittedReader(settings.kafka, topic) as reader:
            ends += [TopicPartition(topic, s.partition, s.end) for s in reader.spans()]
    own = {"group.id": settings.kafka.group_id, "enable.auto.commit": False}
    consumer = Consumer(client_config(settings.kafka, own))
    consumer.commit(offsets=ends, asynchronous=False)
    consumer.close()
