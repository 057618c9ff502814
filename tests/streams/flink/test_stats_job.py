"""What Flink counts in windows is what the reference counts, field by field."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from earmark.processors.codec import Codec
from earmark.processors.drift.count import (
    Counter,
    FieldCount,
    Group,
    added,
    field_count_of,
    group_of,
)
from earmark.processors.profile import profile_signal
from earmark.processors.schema import STATS, schema_of
from earmark.streams.drift import MINUTE_MS
from earmark.streams.flink.catalogue import catalogue
from earmark.streams.flink.stats import count_to_end
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics
from earmark.streams.topic_records import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.flink]

Fields = Mapping[str, FieldCount]


def records(settings: Settings, topic: str, schema: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """When each record of the topic came, and what it says."""
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(schema), writer_schema=registry.schema_by_id)
        for message in read_topic(settings.kafka, topic, lambda *_: None):
            if (value := message.value()) is not None:
                yield message.timestamp()[1], dict(codec.decode(value))


def reference(settings: Settings) -> dict[tuple[Group, int], Fields]:
    counters: dict[tuple[Group, int], Counter] = defaultdict(Counter)
    for topic in signal_topics():
        name = topic.removeprefix("signals.").removesuffix(".v1")
        for arrived, record in records(settings, topic, topic):
            said = profile_signal(name, record)
            start = arrived // MINUTE_MS * MINUTE_MS
            counters[group_of(said, record["content_type"]), start].add(said)
    return {key: counter.counts() for key, counter in counters.items()}


def counted(settings: Settings, topic: str, window_ms: int) -> dict[tuple[Group, int], Fields]:
    found: dict[tuple[Group, int], dict[str, FieldCount]] = defaultdict(dict)
    for _, record in records(settings, topic, STATS):
        if record["window_ms"] == window_ms:
            names = ("signal", "model", "language", "content_type")
            group = Group(**{name: record[name] for name in names})
            found[group, record["window_start"]][record["field"]] = field_count_of(record)
    return dict(found)


def test_windows_hold_what_the_reference_counts_and_hours_what_minutes_do(stack: Stack) -> None:
    draw = random.Random(11)
    with catalogue(stack.settings) as made:
        for number in range(300):
            topic = draw.choice(signal_topics())
            made.put(topic, f"counted-{number % 90}", revision=number)
        for number in range(40):
            lufs = draw.uniform(-60, 3) if number else float("nan")
            made.put("signals.audio.loudness.v1", f"loud-{number}", integrated_lufs=lufs)
        made.put("signals.text.safety.v1", "unsaid", outcome="ABSTAINED", reason="WHY", labels=[])
        made.remove("signals.text.safety.v1", "unsaid")
    topic = count_to_end(stack.settings, "counted")
    minutes, wanted = counted(stack.settings, topic, MINUTE_MS), reference(stack.settings)
    assert minutes.keys() == wanted.keys()
    for key, fields in wanted.items():
        assert minutes[key].keys() == fields.keys()
        for name, field in fields.items():
            found = minutes[key][name]
            assert (found.count, found.sketch) == (field.count, field.sketch)
            assert found.mean == pytest.approx(field.mean, rel=1e-9, nan_ok=True)
            size = abs(field.mean) if field.sketch.count else 0.0
            lost = 1e-6 + 1e-9 * size  # sums of squares lose digits to large means
            assert found.deviation == pytest.approx(
                field.deviation, rel=1e-6, abs=lost, nan_ok=True
            )
    hours = counted(stack.settings, topic, 60 * MINUTE_MS)
    for (group, start), fields in hours.items():
        within = [
            each
            for (of, at), each in minutes.items()
            if of == group and start <= at < start + 60 * MINUTE_MS
        ]
        for name, field in fields.items():
            together = added(each[name] for each in within if name in each)
            assert (field.count, field.sketch) == (together.count, together.sketch)
