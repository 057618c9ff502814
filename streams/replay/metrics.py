"""How far a replay is, for Prometheus: asked of Kafka whenever somebody looks."""

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from earmark.models.error import ServiceError
from earmark.streams.metric_family import Families
from earmark.streams.replay.progress import Progress


class Reads(Protocol):
    """What knows the progress of one run."""

    def read(self) -> Progress:
        """The progress now; raises ServiceError where the brokers do not answer."""


class ReplayMetrics:
    """Gauges of one run's progress, which all its workers share, in the registry of `made`.

    The run's name is no label: operators choose it, and there is no end of them. While brokers do
    not answer, what was known last is shown.
    """

    def __init__(self, reader: Reads, made: Families) -> None:
        self._reader = reader
        self._lock = Lock()  # a reader is for one thread at a time
        self._known = Progress(passed=0, records=0, partitions_through=0, partitions=0)
        shown: dict[str, tuple[str, Callable[[Progress], float]]] = {
            "records": ("Offsets of the run", lambda now: now.records),
            "passed_records": ("Offsets passed", lambda now: now.passed),
            "progress_ratio": ("Share that is passed", _ratio),
            "partitions": ("Partitions of the run", lambda now: now.partitions),
            "through_partitions": (
                "Partitions that are through",
                lambda now: now.partitions_through,
            ),
        }
        for name, (text, read) in shown.items():
            gauge = made.gauge(f"replay_{name}", text)
            gauge.set_function(lambda read=read: read(self._now()))  # type: ignore[misc]  # mypy knows no default of a lambda

    def _now(self) -> Progress:
        with self._lock:
            try:
                self._known = self._reader.read()
            except ServiceError:
                return self._known
            return self._known


def _ratio(now: Progress) -> float:
    return now.passed / now.records if now.records else 1.0
