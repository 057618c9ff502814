"""Signals of two spans of time, counted: from `signal.stats.v1`, or from the signals themselves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import confluent_kafka
import numpy as np
from numpy.typing import NDArray

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.drift.count import Counter, Counts, Group, added, field_count_of, group_of
from earmark.processors.drift.distance import mean_shift
from earmark.processors.drift.finding import (
    Comparison,
    Finding,
    Limits,
    Measure,
    Span,
    alert_record,
    compare,
    judged,
)
from earmark.processors.profile import profile_signal
from earmark.processors.schema import ALERTS, STATS, schema_of
from earmark.streams.kafka import producer_config
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic_records import read_topic

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BY_HOURS_MS = 6 * HOUR_MS  # spans from this length on are put together from hours
VECTORS = 2_000  # of a group and span; the shift of their mean is known well enough by then
FLUSH_S = 30.0

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted in a span; `vectors_ND` are of signals that are embeddings."""

    counts: Mapping[Group, Counts]
    vectors_ND: Mapping[Group, Vectors] = field(default_factory=dict)


def counted_windows(
    settings: Settings, names: Sequence[str], span: Span, report: Progress
) -> Counted:
    """The windows that lie in the span, put together; of these signals, or of all.

    Of records with the same key the last one counts. Long spans are put together from hours: what
    of a span is no whole hour is left out, and of a short one what is no whole minute. Raises
    ServiceError where brokers or registry do not answer, ConfigurationError where there is no such
    topic.
    """
    length = window_ms(span)
    windows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for record in _records(settings, STATS, report):
        start = record["window_start"]
        wanted = record["window_ms"] == length and span.start_ms <= start <= span.end_ms - length
        if wanted and (not names or record["signal"] in names):
            windows[*_key(record), record["field"], start] = record
    by_field: dict[Group, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for record in windows.values():
        by_field[_group(record)][record["field"]].append(field_count_of(record))
    return Counted(
        counts={
            group: {name: added(parts) for name, parts in sorted(fields.items())}
            for group, fields in by_field.items()
        }
    )


def window_ms(span: Span) -> int:
    """How long the windows are of which the span is put together."""
    return HOUR_MS if span.end_ms - span.start_ms >= BY_HOURS_MS else MINUTE_MS


def counted_signals(
    settings: Settings, names: Sequence[str], span: Span, report: Progress
) -> Counted:
    """Every answer of these signals that came in the span, also those that were answered again.

    Raises as `counted_windows`.
    """
    counters: dict[Group, Counter] = defaultdict(Counter)
    vectors: dict[Group, list[Vectors]] = defaultdict(list)
    for name in names:
        for record in _records(settings, f"signals.{name}.v1", report, span):
            group = group_of(said := profile_signal(name, record), record["content_type"])
            counters[group].add(said)
            kept = vectors[group]
            kept.extend(_vectors(record)[: VECTORS - len(kept)])
    return Counted(
        counts={group: counter.counts() for group, counter in counters.items()},
        vectors_ND={group: np.stack(found) for group, found in vectors.items() if found},
    )


def compared(reference: Counted, current: Counted, limits: Limits) -> Comparison:
    """The fields of all groups that both sides have, and the means of their embeddings."""
    fields = compare(reference.counts, current.counts, limits)
    few = set(fields.too_few)
    groups = (set(reference.vectors_ND) & set(current.vectors_ND)) - few
    shifts = [
        _shift(group, reference.vectors_ND[group], current.vectors_ND[group], limits)
        for group in sorted(groups)
    ]
    if not shifts:
        return fields
    return Comparison(findings=judged([*fields.findings, *shifts], limits), too_few=fields.too_few)


def raise_alerts(
    settings: Settings, findings: Iterable[Finding], reference: Span, window: Span
) -> int:
    """Write a record of `signal.alerts.v1` for each finding; how many.

    The same finding has the same `alert_id` however often it is raised. Raises ServiceError where
    brokers or registry do not take them, ConfigurationError where the schema is not registered.
    """
    schema = schema_of(ALERTS)
    with Registry(settings.registry) as registry:
        schema_id = registry.id_of(schema)
    if schema_id is None:
        raise ConfigurationError(
            f"{ALERTS} has no schema in the registry: `earmark schemas register`"
        )
    codec = Codec(schema)
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    records = [alert_record(finding, reference, window) for finding in findings]
    for record in records:
        producer.produce(ALERTS, codec.encode(record, schema_id), str(record["signal"]).encode())
    if producer.flush(FLUSH_S):
        raise ServiceError(f"topic {ALERTS}: the brokers did not take the alerts")
    return len(records)


def _shift(group: Group, before: Vectors, after: Vectors, limits: Limits) -> Finding:
    return Finding(
        group=group,
        field="vector",
        measure=Measure.MEAN_SHIFT,
        distance=mean_shift(before, after),
        limit=limits.mean_shift,
        reference_count=len(before),
        count=len(after),
        words=f"the mean of {group.signal} has moved against the spread of its vectors",
    )


def _records(
    settings: Settings, topic: str, report: Progress, span: Span | None = None
) -> Iterator[dict[str, Any]]:
    bounds = {} if span is None else {"since_ms": span.start_ms, "until_ms": span.end_ms}
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(topic), writer_schema=registry.schema_by_id)
        for message in read_topic(settings.kafka, topic, report, **bounds):
            if (value := message.value()) is not None:
                yield dict(codec.decode(value))


def _vectors(record: Mapping[str, Any]) -> list[Vectors]:
    """The vectors of the whole item, not those of its segments; none of other signals."""
    found = [record["vector"]] if record.get("vector") is not None else []
    found += [each["vector"] for each in record.get("vectors", ())]
    return [np.frombuffer(each, "<f4").astype(np.float32) for each in found]


def _key(record: Mapping[str, Any]) -> tuple[str, ...]:
    return record["signal"], record["model"], record["language"], record["content_type"]


def _group(record: Mapping[str, Any]) -> Group:
    signal, model, language, content_type = _key(record)
    return Group(signal=signal, model=model, language=language, content_type=content_type)
