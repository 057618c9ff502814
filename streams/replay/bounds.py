"""From when to when a replay reads: times or offsets, frozen into offsets when it begins."""

import re
from collections.abc import Mapping
from datetime import datetime

from earmark.models.error import ConfigurationError
from earmark.streams.dead_letter import CommittedReader, moment_ms
from earmark.streams.settings import KafkaSettings

BEGINNING, END = "beginning", "end"
_OFFSETS = re.compile(r"\d{1,9}:\d{1,18}(,\d{1,9}:\d{1,18})*")

Bounds = Mapping[int, tuple[int, int]]  # first offset and the one behind the last, by partition


def frozen_bounds(
    kafka: KafkaSettings, topic: str, *, start: str, end: str, now: datetime
) -> Bounds:
    """The offsets between `start` and `end` that `topic` holds now.

    Each is `beginning`, `end`, a time of arrival (ISO 8601, or how long ago: `2h`, `7d`), or
    offsets by partition (`0:1200,1:1180`; a partition that is not named is read from its
    beginning, or to its end). Raises ConfigurationError for anything else, and where nothing lies
    between the two.
    """
    with CommittedReader(kafka, topic) as reader:
        whole = {span.partition: (span.start, span.end) for span in reader.spans()}
        starts = _positions(reader, start, whole, now, side=0)
        ends = _positions(reader, end, whole, now, side=1)
    bounds = {
        number: (
            min(max(first, starts[number]), last),
            max(first, min(last, ends[number], last)),
        )
        for number, (first, last) in whole.items()
    }
    bounds = {number: (first, max(first, last)) for number, (first, last) in bounds.items()}
    if not any(last > first for first, last in bounds.values()):
        raise ConfigurationError(f"topic {topic} holds nothing from {start} to {end}")
    return bounds


def _positions(
    reader: CommittedReader, written: str, whole: Bounds, now: datetime, *, side: int
) -> dict[int, int]:
    if written == BEGINNING:
        return {number: first for number, (first, _) in whole.items()}
    if written == END:
        return {number: last for number, (_, last) in whole.items()}
    if _OFFSETS.fullmatch(written):
        named = dict(map(_pair, written.split(",")))
        if strange := named.keys() - whole.keys():
            raise ConfigurationError(f"topic {reader.topic} has no partition {min(strange)}")
        return {number: named.get(number, bounds[side]) for number, bounds in whole.items()}
    spans = reader.spans(since_ms=moment_ms(written, now=now))
    return {span.partition: span.start for span in spans}


def _pair(written: str) -> tuple[int, int]:
    number, _, offset = written.partition(":")
    return int(number), int(offset)
