"""What the agents count and time, for Prometheus."""

import time

from earmark.processors.policy.verdict import Verdict
from earmark.streams.metric_family import Families

NO_EFFECT = "none"


class AgentMetrics:
    """The metrics of one agents process, in a registry of their own.

    `records` are read, by topic; `judged` items looked at, `verdicts` what was written of them, by
    effect (one verdict may have several), `retracted` rulings that no longer hold, `removed`
    verdicts of items that are gone. `foreign` verdicts were written by another group of agents:
    there should be none. `unreadable` records were passed over.
    `policy_errors` counts changes of the policies that could not be put in force. `latency_seconds`
    runs from the arrival of a record at the broker until what came of it was taken,
    `verdict_published` is when the last verdict was. `lag` counts markers of transactions too.
    """

    def __init__(self) -> None:
        made = Families("agents")
        self.registry, self.labels = made.registry, made.labels
        self.records = made.counter("records", "Records read", "topic")
        self.unreadable = made.counter("unreadable", "Records that cannot be read", "topic")
        self.judged = made.counter("judged", "Items judged")
        self.verdicts = made.counter("verdicts", "Verdicts written", "effect")
        self.verdict_published = made.gauge(
            "verdict_published_timestamp_seconds", "When the last verdict was written"
        )
        self.retracted = made.counter("retracted", "Rulings that no longer hold")
        self.removed = made.counter("removed", "Verdicts removed")
        self.foreign = made.counter("foreign", "Verdicts that another group wrote")
        self.requests = made.counter("requests", "Questions put to people", "reason")
        self.policy_errors = made.counter("policy_errors", "Changes of policies not put in force")
        self.policies = made.gauge("policies", "Policies in force")
        self.waiting = made.gauge("rejudging", "Partitions that are judged anew")
        self.lag = made.gauge("lag_records", "Records behind the end", "topic", "partition")
        self.batch_seconds = made.histogram("batch_seconds", "Seconds per batch of records")
        self.latency_seconds = made.histogram("latency_seconds", "Seconds from broker to verdict")

    def note_verdict(self, verdict: Verdict) -> None:
        """Count one that was written."""
        self.verdict_published.set(time.time())
        for effect in verdict.effects or (NO_EFFECT,):
            self.verdicts.labels(effect).inc()
        self.retracted.inc(len(verdict.retracted))

    def note_taken(self, at_ms: int) -> None:
        """Time a record that arrived then, now that what came of it was taken."""
        self.latency_seconds.observe(max(0.0, time.time() - at_ms / 1000))
