"""The thread that follows the topics into the index, and tells who looks on what arrives."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import structlog

from earmark.models.error import EarmarkError
from earmark.streams.settings import Settings
from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.subscription.feed import Feed, Passed
from earmark.streams.subscription.place import Position, Start, parsed_place
from earmark.streams.topic import (
    ALERTS,
    CONTENT_EVENTS,
    ITEMS,
    MADE_OF_ANSWERS,
    REJECTIONS,
    REVIEW_REQUESTS,
    STATS,
    dead_letter_topic,
    describe_cluster,
    restricted_topics,
    signal_topics,
)
from earmark.streams.web.index.change import Changes
from earmark.streams.web.index.file import IndexFile

log = structlog.get_logger()

TOMBSTONES_MS = 6 * 86_400_000  # Kafka keeps them for 7 days: who is away longer begins again
AGAIN_S = 5.0  # before brokers that did not answer are asked again
ENDED_S = 15.0
TIDY_S = 5.0  # of quiet, after which what was removed goes from the file too,
TIDY_AT_LAST_S = 600.0  # or after so long without any
NOTED_S = 60.0  # between two notes that no deletion was missed
OLD_S = 3_600.0  # between two looks for what is too old
WAIT_S = 0.2
_FED, _TOPICS = "fed_ms", "topics"

Arrived = Callable[[Sequence[ReceivedSignal]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeederState:
    """Whether the index holds all that stood on the topics when it began, and what is wrong."""

    ready: bool = False
    read: int = 0  # of `total` records
    total: int = 0
    problem: str | None = None


def followed_topics(settings: Settings) -> list[str]:
    """What the inspector reads; the restricted topics where it is set up to."""
    names = [
        *(ITEMS, *signal_topics(), *MADE_OF_ANSWERS, REVIEW_REQUESTS, REJECTIONS, STATS, ALERTS),
        dead_letter_topic(CONTENT_EVENTS),
        *(restricted_topics() if settings.web.restricted else ()),
    ]
    there = describe_cluster(settings.kafka, lambda name: name in names).configs
    return [name for name in names if name in there]


class Feeder:
    """Keeps the index at `path` up to date within a `with` block.

    `arrived` is told, in the feeder's thread, of each signal that comes once all that stood on the
    topics is in the index. `removed` is told that items may have gone.
    """

    def __init__(
        self, settings: Settings, path: Path, *, arrived: Arrived, removed: Callable[[], None]
    ) -> None:
        self.state = FeederState()
        self._settings, self._path = settings, path
        self._arrived, self._removed = arrived, removed
        self._stopped = Event()
        self._thread = Thread(target=self._follow, name="index", daemon=True)

    def __enter__(self) -> "Feeder":
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopped.set()
        self._thread.join(ENDED_S)

    def _follow(self) -> None:
        """Until it is stopped; what the brokers do not give now is asked for again."""
        while not self._stopped.is_set():
            try:
                self._keep_up()
            except (EarmarkError, OSError, sqlite3.Error) as error:
                log.warning("index", problem=str(error))
                self._wait_after(str(error))
            except Exception as error:  # a thread has no caller: the page says it
                log.exception("index")
                self._wait_after(f"{type(error).__name__}: {error}")

    def _wait_after(self, problem: str) -> None:
        self.state = FeederState(ready=self.state.ready, problem=problem)
        self._stopped.wait(AGAIN_S)

    def _keep_up(self) -> None:
        index = IndexFile(self._path)
        try:
            topics = followed_topics(self._settings)
            _prepare(index, topics)
            start = Start(position=_resumed(index.places(), topics))
            feed = Feed(self._settings, topics, start)
            try:
                self._catch_up(index, feed)
                self._go_on(index, feed)
            finally:
                feed.close()
        finally:
            index.close()

    def _catch_up(self, index: IndexFile, feed: Feed) -> None:
        done, ends = 0, feed.ends()
        total = sum(max(0, end - feed.starts.get(at, 0)) for at, end in ends.items())
        while not feed.is_through(ends) and not self._stopped.is_set():
            passed = feed.batch(WAIT_S)
            _applied(index, passed)
            done += len(passed)
            if not self.state.ready:
                self.state = FeederState(read=min(done, total), total=total)
        if not self._stopped.is_set():
            _note_fed(index)
            index.tidy()
            index.drop_old()
            self.state = FeederState(ready=True, read=total, total=total)

    def _go_on(self, index: IndexFile, feed: Feed) -> None:
        heard = tidied = noted = dropped = time.monotonic()
        while not self._stopped.is_set():
            passed = feed.batch(WAIT_S)
            self._tell(_applied(index, passed), passed)
            now = time.monotonic()
            heard = now if passed else heard
            if now - heard > TIDY_S or now - tidied > TIDY_AT_LAST_S:
                index.tidy()
                heard = tidied = now
            if now - noted > NOTED_S:
                _note_fed(index)
                noted = now
            if now - dropped > OLD_S:
                index.drop_old()
                dropped = now

    def _tell(self, arrived: Sequence[ReceivedSignal], passed: Sequence[Passed]) -> None:
        if arrived:
            self._arrived(arrived)
        if any(isinstance(it.record, ReceivedSignal) and it.record.deleted for it in passed):
            self._removed()


def _note_fed(index: IndexFile) -> None:
    """Up to now no deletion was missed."""
    with index.transaction():
        index.note(_FED, str(time.time_ns() // 1_000_000))


def _prepare(index: IndexFile, topics: Sequence[str]) -> None:
    """Begin again where deletions may have been missed; drop what is not followed any more."""
    fed_ms = int(index.fact(_FED) or 0)
    now_ms = time.time_ns() // 1_000_000
    if index.places() and now_ms - fed_ms > TOMBSTONES_MS:
        index.begin_again({_FED: str(now_ms)})
    before = set(filter(None, (index.fact(_TOPICS) or "").split(",")))
    for topic in sorted(before - set(topics)):
        index.forget_topic(topic)
    with index.transaction():
        index.note(_TOPICS, ",".join(topics))
        if not fed_ms:
            index.note(_FED, str(now_ms))


def _resumed(places: Position, topics: Sequence[str]) -> dict[str, int]:
    return {at: offset for at, offset in places.items() if parsed_place(at)[0] in topics}


def _applied(index: IndexFile, passed: Sequence[Passed]) -> list[ReceivedSignal]:
    """One transaction: the records and the places behind them; the signals among them."""
    if not passed:
        return []
    with index.transaction():
        changes = Changes(index)
        arrived = list(_signals(changes, passed))
        changes.finish()
        index.note_places({it.place: it.next_offset for it in passed})
    return arrived


def _signals(changes: Changes, passed: Sequence[Passed]) -> Iterator[ReceivedSignal]:
    for each in passed:
        if isinstance(each.record, ReceivedSignal) and changes.apply(each.record):
            yield each.record
