"""Metrics of one process, in a registry of their own, by one prefix and with bounded labels.

A label's values come from code or from what the operator installed (signals, classes, topics),
never from events: what is not known counts as `other`. So the number of series is bounded by the
product of these sets, whatever is sent.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
)
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

OTHER = "other"  # in place of a label's value that is none of those known
SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


class Families:
    """Makes metrics named `earmark_<part>_...`; `labels` says which labels each sample has."""

    def __init__(self, part: str = "") -> None:
        self._prefix = f"earmark_{part}_" if part else "earmark_"
        self.registry = CollectorRegistry()
        self.labels: dict[str, Sequence[str]] = {}
        ProcessCollector(registry=self.registry)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """One that only rises; it is shown as `<name>_total`."""
        full = self._known(name, labels, "_total")
        return Counter(full, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """One that rises and falls."""
        return Gauge(self._known(name, labels, ""), text, labels, registry=self.registry)

    def summary(self, name: str, text: str, *labels: str) -> Summary:
        """A sum and a count, the mean of any time by division."""
        full = self._known(name, labels, "_sum", "_count")
        return Summary(full, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str) -> Histogram:
        """Of seconds, from a millisecond to a quarter of an hour."""
        full = self._known(name, labels, "_sum", "_count")
        self.labels[f"{full}_bucket"] = (*labels, "le")
        return Histogram(full, text, labels, registry=self.registry, buckets=SECONDS)

    def counted(self, name: str, text: str, *labels: str) -> "Counted":
        """A counter that is kept where it is counted."""
        counted = Counted(self._known(name, labels, "_total"), text, labels)
        self.registry.register(counted)
        return counted

    def _known(self, name: str, labels: Sequence[str], *endings: str) -> str:
        full = f"{self._prefix}{name}"
        self.labels |= {f"{full}{ending}": labels for ending in endings}
        return full


class Counted(Collector):
    """A counter that is read, wherever it is kept, when somebody looks."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._read: dict[tuple[str, ...], Callable[[], float]] = {}

    def show(self, *values: str, read: Callable[[], float]) -> None:
        """Show under these values of the labels what `read` gives."""
        self._read[values] = read

    def collect(self) -> Iterator[Metric]:
        """The counter as it is now."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, read in list(self._read.items()):
            family.add_metric(values, read())
        yield family

    def describe(self) -> Iterable[Metric]:
        """The counter without a value: it must not be read before its owner is there."""
        yield CounterMetricFamily(self._name, self._text, labels=self._labels)


def bounded(value: object, known: Collection[str] | Mapping[str, object]) -> str:
    """The value as a label, if it is one of those known."""
    text = str(value)
    return text if text in known else OTHER
