"""What the worker counts: as it happened, and in a bounded number of series."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from earmark.models.error import ServiceError
from earmark.models.padding import Padding, note_padding, noting
from earmark.processors.batch import Batch
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import Outcome, Provenance, Rejection, Result, Signal
from earmark.streams.audit_metrics import AuditMetrics
from earmark.streams.audit_tally import AuditTally
from earmark.streams.flight import Flight
from earmark.streams.metrics import Metrics
from earmark.streams.replay.metrics import ReplayMetrics
from earmark.streams.replay.progress import Progress
from earmark.streams.serving.metrics import ServeMetrics

PROVENANCE = Provenance(
    input_digest="0",
    model_name="m",
    model_version="1",
    model_sha256=None,
    preprocessing_version="1",
    taxonomy=None,
    taxonomy_version=None,
    thresholds_version=None,
    config_hash="c",
    pipeline_version="0",
    device="cpu",
    precision="fp32",
)


@dataclass
class Record:
    """What is asked of a Kafka message."""

    def value(self) -> bytes:
        return b""

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_700_000_000_000


def signal(name: str, result: Result) -> Signal:
    event = ContentEvent(event_id="e", content_id="c")
    return Signal(
        name=name, major=1, signal_id="0", event=event, result=result, provenance=PROVENANCE
    )


def rejection(rejection_class: Any) -> Rejection:
    return Rejection(event=None, error=ContentError(rejection_class, "odd", part="record"))


def flight(*outcomes: Outcome) -> Flight:
    message: Any = Record()
    return Flight(message=message, outcomes=outcomes)


def samples(registry: CollectorRegistry) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in registry.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                yield sample.name, sample.labels, sample.value


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_names_that_nobody_knows_share_one_series() -> None:
    metrics = Metrics()
    metrics.know(["text.safety"])
    outcomes: list[Outcome] = [signal("text.safety", Result.ok())]
    outcomes += [signal(f"odd.{n}", Result(outcome=f"KIND-{n}")) for n in range(200)]  # type: ignore[arg-type]  # which is the point
    outcomes += [rejection(f"CLASS-{n}") for n in range(200)]
    metrics.note_published([flight(*outcomes)])
    before = len(list(samples(metrics.registry)))
    for n in range(200):
        with metrics.batch(batch(f"odd.{n}")):
            note_padding(used=1, whole=2)
        metrics.note_published([flight(signal(f"more.{n}", Result.error(f"R{n}")))])
    after = list(samples(metrics.registry))
    of_one_batch = 15 + 2 + 2  # its histogram with 13 bounds, fill and padding
    assert len(after) - before <= of_one_batch + 1  # and one more outcome
    assert value(metrics.registry, "earmark_rejections_total", rejection_class="other") == 200
    labels = {"signal": "other", "outcome": "other"}
    assert value(metrics.registry, "earmark_signals_total", **labels) == 200


def test_paths_and_states_of_strangers_share_one_series() -> None:
    served, audit = ServeMetrics(), AuditMetrics(["text.safety"])
    found = AuditTally()
    found.missing.update({f"odd.{n}": 1 for n in range(50)})
    audit.show(found, oldest_s=0, seconds=1)
    for n in range(50):
        served.answered(f"/odd/{n}", 404, 0.1)
        served.sent(f"odd.{n}", 1)
    assert value(audit.registry, "earmark_audit_missing_signals", signal="other") == 50
    assert value(served.registry, "earmark_serve_sent_total", topic="other") == 50
    named = {"route": "other", "status": "4xx"}
    assert value(served.registry, "earmark_serve_requests_total", **named) == 50


def batch(name: str, padding: Padding | None = None) -> Batch:
    return Batch(signal=name, events=(), held=3, room=4, padding=padding or Padding())


def test_a_batch_is_timed_with_how_full_it_was_and_how_much_of_it_was_padding() -> None:
    metrics = Metrics()
    metrics.know(["text.safety"])
    with noting() as padding, metrics.batch(batch("text.safety", padding)):
        note_padding(used=30, whole=40)
        note_padding(used=0, whole=60)
    found = {
        name: value(metrics.registry, f"earmark_batch_{name}", signal="text.safety")
        for name in ("seconds_count", "fill_ratio_sum", "padding_ratio_sum")
    }
    assert found == {"seconds_count": 1, "fill_ratio_sum": 0.75, "padding_ratio_sum": 0.7}


def test_an_audit_shows_nothing_before_it_knows_anything() -> None:
    audit = AuditMetrics()
    assert value(audit.registry, "earmark_audit_completeness_ratio") is None
    audit.failed()
    assert value(audit.registry, "earmark_audit_completeness_ratio") is None
    audit.show(AuditTally(), oldest_s=0, seconds=1)
    assert value(audit.registry, "earmark_audit_completeness_ratio") == 1


@pytest.mark.parametrize("rejection_class", RejectionClass)
def test_every_class_of_rejection_is_known(rejection_class: RejectionClass) -> None:
    metrics = Metrics()
    metrics.note_published([flight(rejection(rejection_class))])
    name = "earmark_rejections_total"
    assert value(metrics.registry, name, rejection_class=str(rejection_class)) == 1
    assert value(metrics.registry, "earmark_dead_letters_total") == 1


class Away:
    """The progress of a run, as long as the brokers are there."""

    there = True

    def read(self) -> Progress:
        if not self.there:
            raise ServiceError("no broker")
        return Progress(passed=30, records=40, partitions_through=1, partitions=2)


def test_a_replay_shows_how_far_it_is_and_what_was_known_last_while_brokers_are_away() -> None:
    metrics, reader = Metrics(), Away()
    ReplayMetrics(reader, metrics.made)
    for reader.there in (True, False):
        assert value(metrics.registry, "earmark_replay_progress_ratio") == 0.75
        assert value(metrics.registry, "earmark_replay_through_partitions") == 1
