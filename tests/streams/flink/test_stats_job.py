"""What Flink counts in windows is what the reference counts, whatever is killed or comes late."""

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from earmark.processors.codec import Codec
from earmark.processors.drift.count import (
    LATE,
    OUTCOME,
    Counter,
    FieldCount,
    Group,
    added,
    field_count_of,
    group_of,
)
from earmark.processors.profile import profile_signal
from earmark.processors.release import golden_record
from earmark.processors.schema import STATS, avro_folder, schema_of
from earmark.streams.drift import MINUTE_MS
from earmark.streams.flink.catalogue import catalogue
from earmark.streams.flink.interruption import Interruption
from earmark.streams.flink.order import Order
from earmark.streams.flink.process import JobProcess
from earmark.streams.flink.stats import count_to_end
from earmark.streams.flink.tally import Miscount, miscounted
from earmark.streams.kafka import client_config, producer_config
from earmark.streams.local.report import silent
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics
from earmark.streams.topic_records import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.flink]

Fields = Mapping[str, FieldCount]
LATE_ONES = "signals.audio.key.v1"  # whose records come with times of the test's choice
SOME = 20  # of them at a time
WAIT_S = 180


def records(settings: Settings, topic: str, schema: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """When each record of the topic came, and what it says."""
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(schema), writer_schema=registry.schema_by_id)
        for message in read_topic(settings.kafka, topic, silent):
            if (value := message.value()) is not None:
                yield message.timestamp()[1], dict(codec.decode(value))


def reference(settings: Settings) -> dict[tuple[Group, int], Fields]:
    counters: dict[tuple[Group, int], Counter] = defaultdict(Counter)
    for topic in on_time():
        name = topic.removeprefix("signals.").removesuffix(".v1")
        for arrived, record in records(settings, topic, topic):
            said = profile_signal(name, record)
            start = arrived // MINUTE_MS * MINUTE_MS
            counters[group_of(said, record["content_type"]), start].add(said)
    return {key: counter.counts() for key, counter in counters.items()}


def counted(settings: Settings, topic: str, window_ms: int) -> dict[tuple[Group, int], Fields]:
    found: dict[tuple[Group, int], dict[str, FieldCount]] = defaultdict(dict)
    for _, record in records(settings, topic, STATS):
        if record["window_ms"] == window_ms and record["signal"] != "audio.key":
            names = ("signal", "model", "language", "content_type")
            group = Group(**{name: record[name] for name in names})
            found[group, record["window_start"]][record["field"]] = field_count_of(record)
    return dict(found)


def on_time() -> list[str]:
    return [topic for topic in signal_topics() if topic != LATE_ONES]


def keep_times_of_producers(settings: Settings, topic: str) -> None:
    entry = ConfigEntry(
        "message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient(client_config(settings.kafka))
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(30)


def put(settings: Settings, moment_ms: int) -> None:
    """Send some records that seem to have come at that moment, one after another."""
    with Registry(settings.registry) as registry:
        schema_id = registry.ids_for_worker([LATE_ONES])[LATE_ONES]
    record = golden_record(avro_folder(), schema_of(LATE_ONES))
    value = Codec(schema_of(LATE_ONES)).encode(record, schema_id)
    producer = Producer(producer_config(settings.kafka))
    for key in range(SOME):
        producer.produce(LATE_ONES, value, str(key).encode(), timestamp=moment_ms)
        assert producer.flush(30) == 0
        time.sleep(0.1)


def told_of_late_ones(settings: Settings) -> dict[str, int]:
    """How many records of that topic are in windows of a minute, and how many were late for one."""
    found: dict[tuple[str, int], int] = {}
    for _, record in records(settings, STATS, STATS):
        if record["signal"] == "audio.key" and record["window_ms"] == MINUTE_MS:
            found[record["field"], record["window_start"]] = record["count"]
    return {
        "late": sum(n for (field, _), n in found.items() if field == LATE),
        "in time": sum(n for (field, _), n in found.items() if field.startswith(OUTCOME)),
    }


def wait_until_told_of(number: int, settings: Settings) -> dict[str, int]:
    told: dict[str, int] = {}
    deadline = time.monotonic() + WAIT_S
    while sum(told.values()) < number and time.monotonic() < deadline:
        time.sleep(0.5)
        told = told_of_late_ones(settings)
    assert sum(told.values()) == number
    return told


@pytest.fixture(scope="module")
def moment_ms(stack: Stack) -> Iterator[int]:
    """Ten minutes ago, a moment at which records seem to have come that a live job reads."""
    keep_times_of_producers(stack.settings, LATE_ONES)
    moment_ms = int(time.time() * 1000) - 10 * MINUTE_MS
    options = {"from_ms": moment_ms - 60 * MINUTE_MS, "idle_s": 1}
    job = JobProcess(
        Order(kind="stats", options=options), stack.settings, log_dir=stack.home / "logs"
    )
    try:
        job.start()
        put(stack.settings, moment_ms)
        yield moment_ms
    finally:
        job.kill()


def test_windows_hold_what_the_reference_counts_and_hours_what_minutes_do_after_a_kill(
    stack: Stack, moment_ms: int
) -> None:
    draw = random.Random(11)
    with catalogue(stack.settings) as made:
        for number in range(300):
            topic = draw.choice(on_time())
            made.put(topic, f"counted-{number % 90}", revision=number)
        for number in range(40):
            lufs = draw.uniform(-60, 3) if number else float("nan")
            made.put("signals.audio.loudness.v1", f"loud-{number}", integrated_lufs=lufs)
        made.put("signals.text.safety.v1", "unsaid", outcome="ABSTAINED", reason="WHY", labels=[])
        made.remove("signals.text.safety.v1", "unsaid")
    with Interruption(stack.settings, "stats-counted", 1) as interruption:
        topic = count_to_end(stack.settings, "counted")
    assert interruption.done == 1
    names = [each.removeprefix("signals.").removesuffix(".v1") for each in on_time()]
    assert miscounted(stack.settings, topic, names) == Miscount(lost=0, doubled=0)
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


def test_what_is_late_by_the_heartbeat_alone_is_counted_and_not_dropped(
    stack: Stack, moment_ms: int
) -> None:
    # the first may have come before the job's time began; once it tells of them that is past them
    wait_until_told_of(SOME, stack.settings)
    put(stack.settings, moment_ms)
    assert wait_until_told_of(2 * SOME, stack.settings)["late"] >= SOME
