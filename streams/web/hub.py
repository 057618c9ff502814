"""Tells everybody who looks on what arrives: signals as they come, rates, and how far behind."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.web.filter import Filter
from earmark.streams.web.index.said import shown_labels

WAITING = 1_000  # signals for one who looks on; the oldest go, and are counted
RATE_S = 10.0  # over which rates are taken


@dataclass(slots=True, kw_only=True, eq=False)
class Onlooker:
    """One who looks on: what waits for him, and how much of it was too much."""

    filter: Filter
    waiting: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=WAITING))
    dropped: int = 0
    there: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, row: dict[str, Any]) -> None:
        """One more."""
        self.dropped += len(self.waiting) == WAITING
        self.waiting.append(row)
        self.there.set()

    def take(self) -> list[dict[str, Any]]:
        """All that waits."""
        rows = list(self.waiting)
        self.waiting.clear()
        self.there.clear()
        return rows


class Hub:
    """Hands what the feeder's thread brings to the onlookers of an event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._onlookers: set[Onlooker] = set()
        self._counts: deque[tuple[float, Counter[str]]] = deque()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell those of this loop."""
        self._loop = loop

    def arrived(self, signals: Sequence[ReceivedSignal]) -> None:
        """From any thread: these have come."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, signals)

    @contextmanager
    def onlooker(self, wanted: Filter) -> Iterator[Onlooker]:
        """One who looks on within the block."""
        onlooker = Onlooker(filter=wanted)
        self._onlookers.add(onlooker)
        try:
            yield onlooker
        finally:
            self._onlookers.discard(onlooker)

    @property
    def onlookers(self) -> int:
        """How many look on."""
        return len(self._onlookers)

    def rates(self) -> dict[str, float]:
        """Signals in a second, by name, over the last seconds."""
        self._forget_old()
        total: Counter[str] = Counter()
        for _, counts in self._counts:
            total.update(counts)
        return {name: round(count / RATE_S, 2) for name, count in sorted(total.items())}

    def _tell(self, signals: Sequence[ReceivedSignal]) -> None:
        self._forget_old()
        self._counts.append((time.monotonic(), Counter(it.name for it in signals)))
        for onlooker in self._onlookers:
            for signal in signals:
                if onlooker.filter.takes(signal):
                    onlooker.add(arrival(signal))

    def _forget_old(self) -> None:
        while self._counts and time.monotonic() - self._counts[0][0] > RATE_S:
            self._counts.popleft()


def arrival(received: ReceivedSignal) -> dict[str, Any]:
    """A signal that has just come, in a row."""
    record = received.record
    return {
        "content_id": received.key,
        "signal": received.name,
        "outcome": record["outcome"],
        "labels": shown_labels(record),
        "language": record["language"],
        "content_type": record["content_type"],
        "event_ms": record["event_time"],
        "produced_ms": received.timestamp,
        "signal_id": record["signal_id"],
    }
