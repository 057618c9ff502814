"""The latest record of each item, from compacted topics into a file of SQLite.

The offsets up to which the topics were read lie in the file itself, in the transaction of what was
read: a kill loses and repeats nothing.

Kafka keeps tombstones for a week. Who has not read for longer may have missed some: then all is
read again as a new generation, and what of the old one did not come again is removed.
"""

import fcntl
import json
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.source import Progress
from earmark.streams.condition import Holds, all_hold
from earmark.streams.endpoint import endpoint
from earmark.streams.settings import Settings
from earmark.streams.subscription.choice import Some, chosen
from earmark.streams.subscription.feed import Feed, Passed
from earmark.streams.subscription.field_check import check_fields
from earmark.streams.subscription.latest_file import LatestFile
from earmark.streams.subscription.name import holds_bytes, name_of, topics_named
from earmark.streams.subscription.place import Start, parsed_place
from earmark.streams.subscription.received import ReceivedSignal, UnreadableRecord
from earmark.streams.topic import describe_cluster

TOMBSTONES_MS = 6 * 86_400_000  # Kafka keeps them for 7 days
STALLED_S = 60.0  # an open transaction of a dead producer holds its readers up for 15 s
_WAIT_S = 0.2
_CLUSTER, _FED, _CHOICE = "cluster", "fed_ms", "choice"


@dataclass(slots=True, kw_only=True)
class Changes:
    """What an update did: records put in or replaced, removed, and those that cannot be read."""

    put: int = 0
    removed: int = 0
    unreadable: int = 0
    anew: bool = False  # whether all was read again


def latest(
    *names: str,
    path: str | Path,
    where: Some = (),
    content_type: Some = (),
    label: Some = (),
    min_score: float | None = None,
    settings: Settings | None = None,
    bootstrap_servers: str | None = None,
    registry_url: str | None = None,
) -> "LatestTable":
    """A table in the file at `path` with the latest record of each item on the topics named.

        with earmark.latest("text.safety", path="safety.sqlite") as table:
            table.update()                   # up to what stands there now
            print(table.get("track-1"))
            for change in table.follow():    # and what comes, as it is put in or removed
                print(change.key, change.deleted)

    An item whose latest record does not pass the filters, which are those of `subscribe`, is not in
    it. Erased items leave it. Opened again, it goes on where it was. Raises ConfigurationError for
    unknown names, conditions and fields in these, and for a file that is no such table or of other
    topics.
    """
    choice = {
        "where": [where] if isinstance(where, str) else list(where),
        "content_type": [content_type] if isinstance(content_type, str) else list(content_type),
        "label": [label] if isinstance(label, str) else list(label),
        "min_score": min_score,
    }
    return LatestTable(
        endpoint(settings, bootstrap_servers=bootstrap_servers, registry_url=registry_url),
        topics_named(names),
        Path(path),
        conditions=chosen(where, content_type=content_type, label=label, min_score=min_score),
        choice=json.dumps(choice),
    )


class LatestTable:
    """What `latest` returns, in a `with` block or closed; for one thread, but for `stop`.

    With `as_of_ms` it holds what stood at that time, in milliseconds since the epoch; an item that
    was erased since is not in it. `choice` is how `conditions` were written.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        path: Path,
        *,
        conditions: Sequence[Holds] = (),
        choice: str = "",
        as_of_ms: int | None = None,
    ) -> None:
        if raw := next(filter(holds_bytes, topics), None):
            raise ConfigurationError(f"{raw} has no latest record of an item")
        check_fields(conditions, topics)
        self._settings, self._topics = settings, topics
        self._conditions, self._as_of_ms = conditions, as_of_ms
        self._stopped = Event()
        self._file = LatestFile(path, topics)
        try:
            asked = json.dumps([*topics, choice, as_of_ms])
            self._file.check(_CHOICE, asked, "other topics or conditions")
        except ConfigurationError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def stop(self) -> None:
        """End `update` and `follow` where they are, from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._file)

    def __iter__(self) -> Iterator[ReceivedSignal]:
        return iter(self._file)

    def in_time(self, topic: str) -> Iterator[ReceivedSignal]:
        """The records of one topic, in the order of their arrival."""
        return self._file.in_time(topic)

    @property
    def unreadable(self) -> dict[str, int]:
        """How many records could not be read, by topic."""
        return self._file.unreadable()

    def get(self, content_id: str, signal: str | None = None) -> ReceivedSignal | None:
        """The latest record of the item, None where there is none.

        `signal` names which, where the table holds several; raises ConfigurationError where it is
        not one of them.
        """
        topics = topics_named([signal]) if signal else self._topics
        if len(topics) != 1 or topics[0] not in self._topics:
            raise ConfigurationError(
                f"name one of the table's signals: {', '.join(map(name_of, self._topics))}"
            )
        return self._file.get(topics[0], content_id)

    def update(self, report: Progress | None = None) -> Changes:
        """Bring it up to what stands on the topics now.

        `report` is told the records read, and about how many there are. Raises ConfigurationError
        where the table is of another cluster or another process brings it up to date, ServiceError
        where brokers or registry do not answer, or the file cannot be written.
        """
        changes = Changes(anew=self._is_stale())
        with self._fed() as feed:
            for _ in self._caught_up(feed, changes, report):
                pass
        return changes

    def follow(self, timeout_s: float | None = None) -> Generator[ReceivedSignal, None, None]:
        """What is put in and removed, as it comes, each when it is in the table; for ever.

        It begins with what has come since the table was brought up to date last, and ends when
        nothing has come for `timeout_s`. What is removed, because it was erased or does not pass
        the filters any more, comes as a deletion. Raises as `update`.
        """
        with self._fed() as feed:
            yield from self._caught_up(feed, Changes(), None)
            heard = noted = time.monotonic()
            while timeout_s is None or time.monotonic() - heard < timeout_s:
                if self._stopped.is_set():
                    return
                if passed := feed.batch(_WAIT_S):
                    yield from self._apply(feed, passed, Changes())
                    heard = time.monotonic()
                elif feed.at_end and time.monotonic() - noted > STALLED_S:
                    self._file.note(_FED, str(_now_ms()))
                    noted = time.monotonic()

    def _caught_up(
        self, feed: Feed, changes: Changes, report: Progress | None
    ) -> Iterator[ReceivedSignal]:
        """Changes up to the present end."""
        began_ms, heard, done = _now_ms(), time.monotonic(), 0
        ends = feed.ends()
        total = sum(end - feed.starts[at] for at, end in ends.items())
        while not feed.is_through(ends):
            if self._stopped.is_set():
                return
            passed = feed.batch(_WAIT_S)
            yield from self._apply(feed, passed, changes)
            done += len(passed)
            if report is not None:
                report("reading", min(done, total), total)
            heard = time.monotonic() if passed else heard
            if time.monotonic() - heard > STALLED_S:
                raise ServiceError(f"{', '.join(self._topics)} could not be read to the end")
        changes.removed += self._file.end_generation({_FED: str(began_ms)})

    def _apply(
        self, feed: Feed, passed: Sequence[Passed], changes: Changes
    ) -> list[ReceivedSignal]:
        """One transaction: the records, and the places behind them."""
        with self._file.transaction():
            done = [self._applied(feed, it.record, changes) for it in passed]
            self._file.note_places({it.place: it.next_offset for it in passed})
        return [change for change in done if change is not None]

    def _applied(
        self, feed: Feed, record: ReceivedSignal | UnreadableRecord, changes: Changes
    ) -> ReceivedSignal | None:
        """The record where it now stands, a deletion where one was removed, None for no change."""
        if self._is_later(record):
            return None
        if isinstance(record, ReceivedSignal) and self._stands(record):
            self._file.put(record, feed.definition)
            changes.put += 1
            return record
        if isinstance(record, UnreadableRecord):  # it is not what stood before it either
            self._file.count_unreadable(record.topic)
            changes.unreadable += 1
        if not self._file.remove(record):
            return None
        changes.removed += 1
        return _removal(record)

    def _stands(self, record: ReceivedSignal) -> bool:
        return not record.deleted and all_hold(self._conditions, record.record)

    def _is_later(self, record: ReceivedSignal | UnreadableRecord) -> bool:
        """Whether it came after the moment that is asked for; what is erased is so at any."""
        erases = isinstance(record, ReceivedSignal) and record.deleted
        return self._as_of_ms is not None and record.timestamp > self._as_of_ms and not erases

    @contextmanager
    def _fed(self) -> Iterator[Feed]:
        """The topics from where the table has them, held against other processes."""
        path = self._file.path
        with ExitStack() as undo:
            lock = undo.enter_context(path.with_name(f"{path.name}.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigurationError(f"{path}: another process brings it up to date") from None
            cluster = describe_cluster(self._settings.kafka, _none).id
            self._file.check(_CLUSTER, cluster, "topics of another cluster")
            if self._is_stale():
                # of what came before now, nothing will be missed
                self._file.begin_generation({_FED: str(_now_ms())})
            try:
                yield undo.enter_context(closing(self._feed()))
            except sqlite3.Error as error:  # a full disk, or another who writes and does not end
                raise ServiceError(f"{path}: {error}") from error

    def _is_stale(self) -> bool:
        return _now_ms() - int(self._file.fact(_FED) or 0) > TOMBSTONES_MS

    def _feed(self) -> Feed:
        places = self._file.places()
        feed = Feed(self._settings, self._topics, Start(position=places))
        ends = feed.ends()
        made_anew = {parsed_place(at)[0] for at, to in places.items() if to > ends.get(at, 0)}
        if not made_anew:
            return feed
        feed.close()
        for topic in made_anew:  # what stood on it came from a topic that is no more
            self._file.forget(topic)
        return self._feed()


def _removal(record: ReceivedSignal | UnreadableRecord) -> ReceivedSignal:
    return ReceivedSignal(
        name=name_of(record.topic),
        topic=record.topic,
        key=record.key,
        record={},
        deleted=True,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
    )


def _none(_: str) -> bool:
    return False


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
