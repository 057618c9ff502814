"""What the worker counts and times, for Prometheus."""

import time
from collections.abc import Iterable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from earmark.processors.budget import Budget
from earmark.processors.outcome import Signal
from earmark.streams.flight import Flight

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Metrics:
    """The metrics of one worker, in a registry of their own.

    `events` are records read, `audio_seconds` what was decoded for them, `signals` answers
    published by signal and outcome, `rejections` by class. `stage_seconds` times one batch in a
    stage (fetch, decode, score, publish); `latency_seconds` runs from the arrival of an event at
    the broker to its commit. `queue_bytes` is what waits before a stage, `lag` how many records a
    partition is behind. `batch_share` is how much a signal's model is given at once, in (0, 1]:
    less after a batch that did not fit into memory, of which `memory_shortages` counts all.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = self._counter("events", "Content events read")
        self.audio_seconds = self._counter("audio_seconds", "Seconds of audio decoded")
        self.signals = self._counter("signals", "Signals published", "signal", "outcome")
        self.rejections = self._counter("rejections", "Rejections published", "rejection_class")
        self.dead_letters = self._counter("dead_letters", "Dead letters published")
        self.transactions = self._counter("transactions", "Kafka transactions ended", "result")
        self.stage_seconds = self._histogram("stage_seconds", "Seconds per batch", "stage")
        self.latency_seconds = self._histogram("latency_seconds", "Seconds from broker to commit")
        self.queue_bytes = self._gauge("queue_bytes", "Bytes waiting", "queue")
        self.events_in_flight = self._gauge("events_in_flight", "Events read and not committed")
        self.lag = self._gauge("lag_records", "Records behind the end", "topic", "partition")
        self.batch_share = self._gauge("batch_share", "Share of a whole batch", "signal")
        self.memory_shortages = self._gauge(
            "memory_shortages", "Batches that did not fit into memory", "signal"
        )
        ProcessCollector(registry=self.registry)

    def watch(self, budgets: Mapping[str, Budget]) -> None:
        """Show these budgets, by signal, as they are whenever somebody looks."""
        for name, budget in budgets.items():
            self.batch_share.labels(name).set_function(partial(getattr, budget, "share"))
            self.memory_shortages.labels(name).set_function(partial(getattr, budget, "shortages"))

    def note_published(self, flights: Iterable[Flight]) -> None:
        """Count what one committed transaction held."""
        self.transactions.labels("committed").inc()
        now = time.time()
        for flight in flights:
            self.latency_seconds.observe(max(0.0, now - flight.message.timestamp()[1] / 1000))
            self.audio_seconds.inc(flight.heard_s)
            rejected = False
            for outcome in flight.written:
                if isinstance(outcome, Signal):
                    self.signals.labels(outcome.name, outcome.result.outcome).inc()
                else:
                    self.rejections.labels(outcome.error.rejection_class).inc()
                    rejected = True
            self.dead_letters.inc(rejected)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"earmark_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"earmark_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"earmark_{name}", text, labels, registry=self.registry, buckets=_SECONDS)
