"""What the agents count and time, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from earmark.processors.policy.verdict import Verdict

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
NO_EFFECT = "none"


class AgentMetrics:
    """The metrics of one agents process, in a registry of their own.

    `records` are read, by topic; `judged` items looked at, `verdicts` what was written of them, by
    effect (one verdict may have several), `retracted` rulings that no longer hold, `removed`
    verdicts of items that are gone. `foreign` verdicts were written by another group of agents:
    there should be none. `unreadable` records were passed over.
    `policy_errors` counts changes of the policies that could not be put in force.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = self._counter("records", "Records read", "topic")
        self.unreadable = self._counter("unreadable", "Records that cannot be read", "topic")
        self.judged = self._counter("judged", "Items judged")
        self.verdicts = self._counter("verdicts", "Verdicts written", "effect")
        self.retracted = self._counter("retracted", "Rulings that no longer hold")
        self.removed = self._counter("removed", "Verdicts removed")
        self.foreign = self._counter("foreign", "Verdicts that another group wrote")
        self.requests = self._counter("requests", "Questions put to people", "reason")
        self.policy_errors = self._counter("policy_errors", "Changes of policies not put in force")
        self.policies = self._gauge("policies", "Policies in force")
        self.waiting = self._gauge("rejudging", "Partitions that are judged anew")
        self.lag = self._gauge("lag_records", "Records behind the end", "topic", "partition")
        self.batch_seconds = Histogram(
            "earmark_agents_batch_seconds",
            "Seconds per batch of records",
            registry=self.registry,
            buckets=_SECONDS,
        )
        ProcessCollector(registry=self.registry)

    def note_verdict(self, verdict: Verdict) -> None:
        """Count one that was written."""
        for effect in verdict.effects or (NO_EFFECT,):
            self.verdicts.labels(effect).inc()
        self.retracted.inc(len(verdict.retracted))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"earmark_agents_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"earmark_agents_{name}", text, labels, registry=self.registry)
