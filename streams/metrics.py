"""What the worker counts and times, for Prometheus."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import psutil

from earmark.models.device import Device
from earmark.processors.batch import Batch
from earmark.processors.budget import Budget
from earmark.processors.error import RejectionClass
from earmark.processors.outcome import OutcomeKind, Signal
from earmark.streams.flight import Flight
from earmark.streams.metric_family import Families, bounded

CLASSES = frozenset(map(str, RejectionClass))
OUTCOMES = frozenset(map(str, OutcomeKind))
STAGES = ("fetch", "decode", "score", "publish")


class Metrics:
    """The metrics of one worker, in a registry of their own.

    `events` are records read, `audio_seconds` what was decoded for them, `signals` answers
    published by signal and outcome, `rejections` by class. `stage_seconds` times an event in fetch
    (until its media are here), decode (until its last block, waiting for a process included) and
    score (from then to its answer), and a transaction in publish. `latency_seconds` runs from the
    arrival of an event at the broker to its commit. `signal_published` and `signal_event` are when
    a signal was last committed, and when the event of that answer had arrived.

    Of batches, `batch_seconds` is how long a model took, `batch_fill` how full they were,
    `batch_padding` which part of them was padding, `batch_share` how much a signal's model is given
    at once, in (0, 1]: less after a batch that did not fit into memory, of which
    `memory_shortages` counts all.

    `queue_bytes` is what waits before a stage. `lag_records` is how many records a partition is
    behind, markers of transactions included, `lag_seconds` the age of its oldest record that was
    read and is not committed. Both are set by `earmark.streams.lag`.
    """

    def __init__(self) -> None:
        self.made = made = Families()
        self.registry, self.labels = made.registry, made.labels
        self._known: set[str] = set()
        self.events = made.counter("events", "Content events read")
        self.audio_seconds = made.counter("audio_seconds", "Seconds of audio decoded")
        self.signals = made.counter("signals", "Signals published", "signal", "outcome")
        self.signal_published = made.gauge(
            "signal_published_timestamp_seconds", "When it was last committed", "signal"
        )
        self.signal_event = made.gauge(
            "signal_event_timestamp_seconds", "When the event last answered had arrived", "signal"
        )
        self.rejections = made.counter("rejections", "Rejections published", "rejection_class")
        self.dead_letters = made.counter("dead_letters", "Dead letters published")
        self.transactions = made.counter("transactions", "Kafka transactions ended", "result")
        self.stage_seconds = made.histogram("stage_seconds", "Seconds in a stage", "stage")
        self.latency_seconds = made.histogram("latency_seconds", "Seconds from broker to commit")
        self.batch_seconds = made.histogram("batch_seconds", "Seconds of a model batch", "signal")
        self.batch_fill = made.summary("batch_fill_ratio", "How full batches are", "signal")
        self.batch_padding = made.summary("batch_padding_ratio", "Padding in batches", "signal")
        self.batch_share = made.gauge("batch_share_ratio", "Share of a whole batch", "signal")
        self.memory_shortages = made.counted(
            "memory_shortages", "Batches that did not fit into memory", "signal"
        )
        self.device_busy = made.counted("device_busy_seconds", "Seconds of scoring")
        self.device_used = made.gauge("device_memory_used_bytes", "Memory in use", "device")
        self.device_size = made.gauge("device_memory_size_bytes", "Memory there is", "device")
        self.queue_bytes = made.gauge("queue_bytes", "Bytes waiting", "queue")
        self.events_in_flight = made.gauge("events_in_flight", "Events read and not committed")
        self.lag_records = made.gauge("lag_records", "Records behind", "topic", "partition")
        self.lag_seconds = made.gauge("lag_seconds", "Age of the oldest", "topic", "partition")
        self.stages = {stage: self.stage_seconds.labels(stage) for stage in STAGES}
        for result in ("committed", "aborted"):  # a rate needs the 0 from which it rises
            self.transactions.labels(result)

    def know(self, signals: Collection[str]) -> None:
        """These are signals' names; any other counts as `other`."""
        self._known |= set(signals)

    def watch(self, budgets: Mapping[str, Budget]) -> None:
        """Show these budgets, by signal, as they are whenever somebody looks."""
        self.know(budgets)
        for name, budget in budgets.items():
            self.batch_share.labels(name).set_function(partial(getattr, budget, "share"))
            self.memory_shortages.show(name, read=partial(getattr, budget, "shortages"))

    def device_is(self, device: Device) -> None:
        """Show the memory of this device."""
        used, size = (_on_cuda if device.kind == "cuda" else _on_cpu)()
        self.device_used.labels(device.kind).set_function(used)
        self.device_size.labels(device.kind).set_function(size)

    @contextmanager
    def batch(self, batch: Batch) -> Iterator[None]:
        """Time one batch of a model, and note how much of it was worth while."""
        name = bounded(batch.signal, self._known)
        with self.batch_seconds.labels(name).time():
            yield
        self.batch_fill.labels(name).observe(batch.fill)
        if (padded := batch.padding.ratio) is not None:
            self.batch_padding.labels(name).observe(padded)

    def note_published(self, flights: Iterable[Flight]) -> None:
        """Count what one committed transaction held, each series once."""
        self.transactions.labels("committed").inc()
        now = time.time()
        signals: Counter[tuple[str, str]] = Counter()
        rejections: Counter[str] = Counter()
        arrived: dict[str, float] = {}
        heard_s, dead_letters = 0.0, 0
        for flight in flights:
            arrived_s = flight.message.timestamp()[1] / 1000
            self.latency_seconds.observe(max(0.0, now - arrived_s))
            heard_s += flight.heard_s
            dead_letters += flight.rejection is not None
            for outcome in flight.written:
                if isinstance(outcome, Signal):
                    signals[outcome.name, outcome.result.outcome] += 1
                    arrived[outcome.name] = arrived_s
                else:
                    rejections[outcome.error.rejection_class] += 1
        self.audio_seconds.inc(heard_s)
        self.dead_letters.inc(dead_letters)
        for (name, kind), count in signals.items():
            self.signals.labels(bounded(name, self._known), bounded(kind, OUTCOMES)).inc(count)
        for rejection_class, count in rejections.items():
            self.rejections.labels(bounded(rejection_class, CLASSES)).inc(count)
        for name, arrived_s in arrived.items():
            known = bounded(name, self._known)
            self.signal_published.labels(known).set(now)
            self.signal_event.labels(known).set(arrived_s)


Reading = Callable[[], float]


def _on_cuda() -> tuple[Reading, Reading]:
    """What all processes use of its memory, and its size."""
    import torch

    def used() -> float:
        free, size = torch.cuda.mem_get_info()
        return float(size - free)

    return used, lambda: float(torch.cuda.mem_get_info()[1])


def _on_cpu() -> tuple[Reading, Reading]:
    """What this process uses of the machine's memory, and its size."""
    process = psutil.Process()
    return lambda: float(process.memory_info().rss), lambda: float(psutil.virtual_memory().total)
