"""Two spans of real answers, what was counted of both, and a run with other thresholds."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.processors.content import ContentEvent, Text
from earmark.processors.drift.count import Counts, Group
from earmark.processors.drift.finding import Comparison, Limits, Span
from earmark.processors.threshold import read_thresholds
from earmark.streams.drift import Counted, compared, counted_signals, raise_alerts
from earmark.streams.local.stack import Stack
from earmark.streams.producer import Producer
from earmark.streams.relabel import planned, relabel
from earmark.streams.settings import Settings
from earmark.streams.subscriber import subscribe
from earmark.streams.testing.record import Sample, records
from earmark.streams.web.days import DAY_MS
from tests.streams.testing.sending import send

SAFETY, TOPIC = "text.safety", "signals.text.safety.v1"
RUN = "strict-1"
EACH = 60  # items of a span; fewer than fifty are not compared
ABUSED = "abuse/0"
TEXTS = {
    "calm": "A quiet morning by the sea, and the gulls of harbour {} are loud.",
    "abuse": "You are a fucking idiot, number {}, and nobody likes you, you stupid bastard.",
}
LIMIT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the tests look for on the page."""

    settings: Settings
    drift: Comparison


def answer(stack: Stack, settings: Settings, folder: Path) -> Answered:
    """Let the live worker answer a calm span and an abusive one, and run again, stricter."""
    spans = [_answered(settings, name) for name in TEXTS]
    sides = [counted_signals(settings, [SAFETY], span, lambda *_: None) for span in spans]
    drift = compared(sides[0], sides[1], Limits())
    raise_alerts(settings, drift.drifted, spans[0], spans[1])
    today = time.time_ns() // 1_000_000 // DAY_MS
    for day, side in zip((today - 1, today), sides, strict=True):
        send(stack, list(_windows(side, day * DAY_MS)))
    new = read_thresholds(_strict(folder), SAFETY)
    relabel(settings, planned(settings, RUN, SAFETY, new), lambda *_: None, dry=False)
    return Answered(settings=settings, drift=drift)


def labels(settings: Settings, content_id: str, count: int) -> list[list[str]]:
    """The labels of the item's answers, once there are so many."""
    found: list[list[str]] = []
    with subscribe(TOPIC, settings=settings, from_beginning=True, timeout_s=LIMIT_S) as signals:
        for signal in signals:
            if signal.key == content_id:
                found.append(signal.record["labels"])
            if len(found) == count:
                break
    return found


def _answered(settings: Settings, kind: str) -> Span:
    """The span in which the worker answered the items of a kind, each with words of its own."""
    start_ms = time.time_ns() // 1_000_000
    with Producer(settings) as producer:
        for number in range(EACH):
            text = Text(field="comment", text=TEXTS[kind].format(number), language="en")
            name = f"{kind}/{number}"
            producer.send(ContentEvent(event_id=f"{name}-1", content_id=name, texts=(text,)))
    waiting = {f"{kind}/{number}" for number in range(EACH)}
    with subscribe(TOPIC, settings=settings, from_beginning=True, timeout_s=LIMIT_S) as signals:
        for signal in signals:
            waiting.discard(signal.key)
            if not waiting:
                break
    assert not waiting
    return Span(start_ms=start_ms, end_ms=time.time_ns() // 1_000_000 + 1)


def _windows(side: Counted, start_ms: int) -> Iterator[Sample]:
    """What was counted, as Flink writes it of an hour."""
    for group, counts in side.counts.items():
        yield from _of_group(group, counts, start_ms)


def _of_group(group: Group, counts: Counts, start_ms: int) -> Iterator[Sample]:
    times = {"window_start": start_ms, "window_end": start_ms + 3_600_000, "window_ms": 3_600_000}
    named = {
        "signal": group.signal,
        "model": group.model,
        "language": group.language,
        "content_type": group.content_type,
    }
    for name, counted in counts.items():
        numbers: Mapping[str, Any] = dict.fromkeys(("mean", "deviation", "minimum", "maximum"))
        if counted.sketch.count:
            numbers = numbers | {"mean": counted.mean, "deviation": counted.deviation}
        histogram = [
            {"bucket": bucket, "count": count} for bucket, count in counted.sketch.counts.items()
        ]
        own = {"field": name, "count": counted.count, "histogram": histogram, "quantiles": []}
        yield from records("signal.stats.v1", **named, **times, **own, **numbers)


def _strict(folder: Path) -> Path:
    """Thresholds that nothing reaches."""
    file = folder / "strict.toml"
    names = ("profanity", "harassment", "hate", "sexual")
    values = "".join(f"{name}_probability = 1.0\n" for name in names)
    file.write_text(f'version = "strict-1"\n[values]\n{values}')
    return file
