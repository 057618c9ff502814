"""What an audit found, for Prometheus: at an address that is scraped, or in a file that is read."""

import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from prometheus_client import Gauge
from prometheus_client.exposition import generate_latest

from earmark.models.error import ConfigurationError
from earmark.streams.audit_tally import AuditTally
from earmark.streams.audit_verdict import AuditState
from earmark.streams.metric_family import Families, bounded

RESULTS = {
    "completeness_ratio": "Share of events that lack nothing",
    "oldest_lacking_seconds": "Age of the oldest event that lacks something",
    "duration_seconds": "How long the last audit took",
    "timestamp_seconds": "When the last audit ended",
}


class AuditMetrics:
    """Gauges of the last audit, in a registry of their own.

    `events` are those audited by state, `missing_signals` and `not_erased_signals` how often a
    signal lacks or still stands. Before the first audit has ended nothing is known of the rest,
    and nothing is shown.
    """

    def __init__(self, signals: Collection[str] = ()) -> None:
        self._made = made = Families("audit")
        self.registry, self.labels = made.registry, made.labels
        self._signals = frozenset(signals)
        self._events = made.gauge("events", "Events audited", "state")
        self._missing = made.gauge("missing_signals", "Signals that are missing", "signal")
        self._not_erased = made.gauge("not_erased_signals", "Answers that still stand", "signal")
        self._audits = made.counter("audits", "Audits that have ended", "result")
        self._results: dict[str, Gauge] = {}  # from the first audit on: else they would show 0

    def show(self, found: AuditTally, *, oldest_s: float, seconds: float) -> None:
        """Show what one audit has found, in place of the last; it took so many seconds."""
        for state in AuditState:
            self._events.labels(str(state)).set(found.states[state])
        pairs = ((self._missing, found.missing), (self._not_erased, found.not_erased))
        for gauge, counts in pairs:
            gauge.clear()
            for name, count in counts.items():
                gauge.labels(bounded(name, self._signals)).inc(count)
        results = self._results = self._results or {
            name: self._made.gauge(name, text) for name, text in RESULTS.items()
        }
        results["completeness_ratio"].set(found.completeness)
        results["oldest_lacking_seconds"].set(oldest_s)
        results["duration_seconds"].set(seconds)
        results["timestamp_seconds"].set(time.time())
        self._audits.labels("ended").inc()

    def failed(self) -> None:
        """Count an audit that could not be made; what the last one found stands."""
        self._audits.labels("failed").inc()

    def write(self, path: Path) -> None:
        """Write them for the node exporter, which never sees half of it.

        Raises ConfigurationError where the file cannot be written.
        """
        new = path.with_name(f".{path.name}.new")
        try:
            new.write_bytes(generate_latest(self.registry))
            new.replace(path)
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror}") from error
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)
