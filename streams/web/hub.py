"""Tells everybody who looks on what arrives: signals as they come, rates, and how far behind."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.subscription.choice import SCORES
from earmark.streams.web.filter import Filter
from earmark.streams.web.index.said import shown_labels

WAITING = 1_000  # signals for one who looks on; the oldest go, and are counted
KEPT = 2_000  # signals for who comes back
LONGEST_NUMBER = 19  # signs of an id: more are of nobody
RATE_S = 10.0  # over which rates are taken
# of a record: what filters ask and rows show, and no vectors or texts
_SHOWN = ("outcome", "language", "content_type", "event_time", "signal_id", "labels", "label")


Told = tuple[str, dict[str, Any]]  # the id of a signal, and its row


@dataclass(slots=True, kw_only=True, eq=False)
class Onlooker:
    """One who looks on: what waits for him, and how much of it was too much."""

    filter: Filter
    waiting: deque[Told] = field(default_factory=lambda: deque(maxlen=WAITING))
    dropped: int = 0
    has_missed: bool = False  # what came while he was away, and is not known any more
    there: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, told: Told) -> None:
        """One more."""
        self.dropped += len(self.waiting) == WAITING
        self.waiting.append(told)
        self.there.set()

    def take(self) -> list[Told]:
        """All that waits."""
        rows = list(self.waiting)
        self.waiting.clear()
        self.there.clear()
        return rows


class Hub:
    """Hands what the feeder's thread brings to the onlookers of an event loop.

    Signals are numbered as they come; the last ones are kept for who comes back, by the id that an
    onlooker was told last.
    """

    def __init__(self) -> None:
        self._name = token_hex(4)  # numbers of another hub mean nothing here
        self._last = 0
        self._kept: deque[tuple[int, ReceivedSignal]] = deque(maxlen=KEPT)
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

    @property
    def last_id(self) -> str:
        """The id of what came last."""
        return self._id(self._last)

    @contextmanager
    def onlooker(self, wanted: Filter, *, after: str | None = None) -> Iterator[Onlooker]:
        """One who looks on within the block, and is told first what came after this id."""
        onlooker = Onlooker(filter=wanted)
        if after is not None:
            self._catch_up(onlooker, after)
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
        for signal in signals:
            self._last += 1
            self._kept.append((self._last, _slim(signal)))
            for onlooker in self._onlookers:
                if onlooker.filter.takes(signal):
                    onlooker.add((self.last_id, arrival(signal)))

    def _id(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _catch_up(self, onlooker: Onlooker, after: str) -> None:
        name, _, number = after.rpartition("-")
        is_ours = name == self._name and number.isascii() and number.isdecimal()
        since = int(number[:LONGEST_NUMBER]) if is_ours else 0
        if not is_ours or since < self._last - len(self._kept):
            onlooker.has_missed = True
            onlooker.there.set()
        for at, signal in self._kept if is_ours else ():
            if at > since and onlooker.filter.takes(signal):
                onlooker.add((self._id(at), arrival(signal)))

    def _forget_old(self) -> None:
        while self._counts and time.monotonic() - self._counts[0][0] > RATE_S:
            self._counts.popleft()


def _slim(received: ReceivedSignal) -> ReceivedSignal:
    kept = (*_SHOWN, *SCORES)
    record = {name: received.record[name] for name in kept if name in received.record}
    return replace(received, record=record)


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
