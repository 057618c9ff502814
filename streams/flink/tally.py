"""What windows hold of each signal, put together, beside what the signal topics hold."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.drift.count import fields_of
from earmark.processors.profile import profile_signal
from earmark.processors.schema import STATS, schema_of
from earmark.streams.flink.stats_sql import WINDOWS
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic_records import read_topic

Key = tuple[int, str, str]  # length of windows in milliseconds, signal, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Miscount:
    """How often something was not counted, and how often it was counted once more."""

    lost: int
    doubled: int


def miscounted(
    settings: Settings, topic: str, names: Collection[str], report: Progress = silent
) -> Miscount:
    """How the windows on `topic` compare with what there is of these signals.

    A window's field that stands there twice counts as doubled, whatever it says.
    """
    found, repeated = _found(settings, topic, names, report)
    wanted = _wanted(settings, names, report)
    return Miscount(
        lost=(wanted - found).total(),
        doubled=(found - wanted).total() + repeated,
    )


def _found(
    settings: Settings, topic: str, names: Collection[str], report: Progress
) -> tuple[Counter[Key], int]:
    tally: Counter[Key] = Counter()
    seen: set[bytes] = set()
    repeated = 0
    for key, record in _records(settings, topic, STATS, report):
        if record["signal"] not in names:
            continue
        if key in seen:
            repeated += 1
            continue
        seen.add(key)
        tally[record["window_ms"], record["signal"], record["field"]] += record["count"]
    return tally, repeated


def _wanted(settings: Settings, names: Collection[str], report: Progress) -> Counter[Key]:
    tally: Counter[Key] = Counter()
    for name in names:
        topic = f"signals.{name}.v1"
        for _, record in _records(settings, topic, topic, report):
            for field, _ in fields_of(profile_signal(name, record)):
                for window in WINDOWS:
                    tally[window.length_ms, name, field] += 1
    return tally


def _records(
    settings: Settings, topic: str, schema: str, report: Progress
) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
    with Registry(settings.registry) as registry:
        codec = Codec(schema_of(schema), writer_schema=registry.schema_by_id)
        for message in read_topic(settings.kafka, topic, report):
            value = message.value()
            if value is not None:
                yield message.key() or b"", codec.decode(value)
