"""The latest record of each item, from compacted topics into a file of SQLite.

The offsets up to which the topics were read lie in the file itself, in the transaction of what was
read: a kill loses and repeats nothing. The tables are for others to read too, in WAL mode:

    records   topic, content_id, partition, offset, timestamp, record (JSON), value (as in Kafka)
    places    place (`<topic>:<partition>`), offset
    schemas   id, definition: those that the values were written with
    facts     name, value

Kafka keeps tombstones for a week. Who has not read for longer may have missed some: then all is
read again under a new `generation`, and what of the old one did not come again is removed.
"""

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.source import Progress
from earmark.processors.codec import Codec, jsonable
from earmark.processors.schema import Definition, schema_of
from earmark.processors.wire import HEADER_BYTES
from earmark.streams.condition import Holds, all_hold
from earmark.streams.database import connected
from earmark.streams.endpoint import endpoint
from earmark.streams.settings import Settings
from earmark.streams.subscription.choice import Some, chosen
from earmark.streams.subscription.feed import Feed, Passed
from earmark.streams.subscription.name import holds_bytes, live_topic, name_of, topics_named
from earmark.streams.subscription.place import Start, parsed_place
from earmark.streams.subscription.received import ReceivedSignal, UnreadableRecord
from earmark.streams.topic import describe_cluster

TOMBSTONES_MS = 6 * 86_400_000  # Kafka keeps them for 7 days
STALLED_S = 60.0  # an open transaction of a dead producer holds its readers up for 15 s
_WAIT_S = 0.2
_CLUSTER, _FED, _GENERATION, _CHOICE = "cluster", "fed_ms", "generation", "choice"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  topic TEXT NOT NULL, content_id TEXT NOT NULL, partition INTEGER NOT NULL,
  offset INTEGER NOT NULL, timestamp INTEGER NOT NULL, generation INTEGER NOT NULL,
  record TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (topic, content_id)
);
CREATE TABLE IF NOT EXISTS places (place TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schemas (id INTEGER PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_PUT = """
INSERT OR REPLACE INTO records
(topic, content_id, partition, offset, timestamp, generation, record, value)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_REMOVE = "DELETE FROM records WHERE topic = ? AND content_id = ?"
_READ = "SELECT topic, content_id, partition, offset, timestamp, value FROM records"


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
    unknown names and conditions, and for a file that is no such table or of other topics.
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
    """What `latest` returns; for one thread, in a `with` block or closed.

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
        self._settings, self._topics, self._path = settings, topics, path
        self._conditions, self._as_of_ms = conditions, as_of_ms
        self._choice = json.dumps([*topics, choice, as_of_ms])
        if raw := next(filter(holds_bytes, topics), None):
            raise ConfigurationError(f"{raw} has no latest record of an item")
        self._database = _opened(path)
        try:
            self._check(_CHOICE, self._choice, "other topics or conditions")
        except ConfigurationError:
            self.close()
            raise
        self._known = {row[0] for row in self._database.execute("SELECT id FROM schemas")}
        self._codecs = {
            topic: Codec(schema_of(live_topic(topic)), writer_schema=self._definition)
            for topic in topics
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM records").fetchone()[0])

    def __iter__(self) -> Iterator[ReceivedSignal]:
        for row in self._database.execute(f"{_READ} ORDER BY rowid"):
            yield self._signal(*row)

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
        asked = f"{_READ} WHERE topic = ? AND content_id = ?"
        row = self._database.execute(asked, (topics[0], content_id)).fetchone()
        return None if row is None else self._signal(*row)

    def update(self, report: Progress | None = None) -> Changes:
        """Bring it up to what stands on the topics now.

        `report` is told the offsets passed, and of how many. Raises ConfigurationError where the
        table is of another cluster or another process brings it up to date, ServiceError where
        brokers or registry do not answer.
        """
        changes = Changes(anew=self._is_stale())
        with self._fed() as feed:
            for _ in self._caught_up(feed, changes, report):
                pass
        return changes

    def follow(self, timeout_s: float | None = None) -> Iterator[ReceivedSignal]:
        """What is put in and removed, as it comes, each when it is in the table; for ever.

        It begins with what has come since the table was brought up to date last, and ends when
        nothing has come for `timeout_s`. What is removed, because it was erased or does not pass
        the filters any more, comes as a deletion. Raises as `update`.
        """
        with self._fed() as feed:
            yield from self._caught_up(feed, Changes(), None)
            heard = noted = time.monotonic()
            while timeout_s is None or time.monotonic() - heard < timeout_s:
                if passed := feed.batch(_WAIT_S):
                    yield from self._apply(feed, passed, Changes())
                    heard = time.monotonic()
                elif feed.at_end and time.monotonic() - noted > STALLED_S:
                    self._note(_FED, str(_now_ms()))
                    noted = time.monotonic()

    def _caught_up(
        self, feed: Feed, changes: Changes, report: Progress | None
    ) -> Iterator[ReceivedSignal]:
        """Changes up to the present end."""
        began_ms = _now_ms()
        ends, starts = feed.ends(), feed.starts
        total, done = sum(ends.values()) - sum(starts.get(at, 0) for at in ends), 0
        heard = time.monotonic()
        while not feed.is_through(ends):
            passed = feed.batch(_WAIT_S)
            yield from self._apply(feed, passed, changes)
            done += len(passed)
            if report is not None:
                report("reading", min(done, total), total)
            heard = time.monotonic() if passed else heard
            if time.monotonic() - heard > STALLED_S:
                raise ServiceError(f"{', '.join(self._topics)} could not be read to the end")
        changes.removed += self._conclude(began_ms)

    def _apply(
        self, feed: Feed, passed: Sequence[Passed], changes: Changes
    ) -> list[ReceivedSignal]:
        """One transaction: the records, and the places behind them."""
        generation = int(self._fact(_GENERATION) or 0)
        records = [record for _, _, record in passed]
        changes.unreadable += sum(isinstance(record, UnreadableRecord) for record in records)
        with self._database:
            done = [self._applied(feed, it, generation, changes) for it in records]
            places = {at: offset for at, offset, _ in passed}
            self._database.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?)", places.items()
            )
        return [change for change in done if change is not None]

    def _applied(
        self,
        feed: Feed,
        record: ReceivedSignal | UnreadableRecord,
        generation: int,
        changes: Changes,
    ) -> ReceivedSignal | None:
        """The record where it now stands, a deletion where one was removed, None for no change."""
        if self._is_later(record):
            return None
        if isinstance(record, ReceivedSignal) and self._stands(record):
            self._put(feed, record, generation)
            changes.put += 1
            return record
        # what cannot be read is not what stood before it either
        gone = self._database.execute(_REMOVE, (record.topic, record.key)).rowcount
        changes.removed += gone
        return _removal(record) if gone else None

    def _stands(self, record: ReceivedSignal) -> bool:
        return not record.deleted and all_hold(self._conditions, record.record)

    def _is_later(self, record: ReceivedSignal | UnreadableRecord) -> bool:
        """Whether it came after the moment that is asked for; what is erased is so at any."""
        erases = isinstance(record, ReceivedSignal) and record.deleted
        return self._as_of_ms is not None and record.timestamp > self._as_of_ms and not erases

    def _put(self, feed: Feed, signal: ReceivedSignal, generation: int) -> None:
        value = signal.value or b""
        if (schema_id := int.from_bytes(value[1:HEADER_BYTES])) not in self._known:
            definition = json.dumps(feed.definition(schema_id))
            self._database.execute(
                "INSERT OR IGNORE INTO schemas VALUES (?, ?)", (schema_id, definition)
            )
            self._known.add(schema_id)
        text = json.dumps(jsonable(signal.record), ensure_ascii=True)
        place = (signal.topic, signal.key, signal.partition, signal.offset, signal.timestamp)
        self._database.execute(_PUT, (*place, generation, text, value))

    def _conclude(self, began_ms: int) -> int:
        """Remove what belongs to an older generation; how many that were."""
        with self._database:
            gone = self._database.execute(
                "DELETE FROM records WHERE generation < ?", (int(self._fact(_GENERATION) or 0),)
            ).rowcount
        self._note(_FED, str(began_ms))
        return gone

    @contextmanager
    def _fed(self) -> Iterator[Feed]:
        """The topics from where the table has them, held against other processes."""
        with ExitStack() as undo:
            lock = undo.enter_context(self._path.with_name(f"{self._path.name}.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigurationError(
                    f"{self._path}: another process brings it up to date"
                ) from None
            cluster = describe_cluster(self._settings.kafka, _none).id
            self._check(_CLUSTER, cluster, "topics of another cluster")
            if self._is_stale():
                self._begin_again()
            yield undo.enter_context(closing(self._feed()))

    def _feed(self) -> Feed:
        places = dict(self._database.execute("SELECT place, offset FROM places"))
        feed = Feed(self._settings, self._topics, Start(position=places))
        ends = feed.ends()
        made_anew = {at for at, offset in places.items() if offset > ends.get(at, 0)}
        if not made_anew:
            return feed
        feed.close()
        topics = {parsed_place(at)[0] for at in made_anew}
        with self._database:  # what stood on them came from topics that are no more
            gone = [(at,) for at in places if parsed_place(at)[0] in topics]
            self._database.executemany("DELETE FROM places WHERE place = ?", gone)
            for topic in topics:
                self._database.execute("DELETE FROM records WHERE topic = ?", (topic,))
        return self._feed()

    def _is_stale(self) -> bool:
        return _now_ms() - int(self._fact(_FED) or 0) > TOMBSTONES_MS

    def _begin_again(self) -> None:
        with self._database:
            self._database.execute("DELETE FROM places")
            self._write(_GENERATION, str(int(self._fact(_GENERATION) or 0) + 1))
            self._write(_FED, str(_now_ms()))  # of what came before, nothing will be missed

    def _check(self, name: str, value: str, holds: str) -> None:
        found = self._fact(name)
        if found is None:
            self._note(name, value)
        elif found != value:
            raise ConfigurationError(f"{self._path} holds {holds}: name another file")

    def _fact(self, name: str) -> str | None:
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _note(self, name: str, value: str) -> None:
        with self._database:
            self._write(name, value)

    def _write(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _definition(self, schema_id: int) -> Definition:
        asked = "SELECT definition FROM schemas WHERE id = ?"
        found: Definition = json.loads(self._database.execute(asked, (schema_id,)).fetchone()[0])
        return found

    def _signal(
        self, topic: str, key: str, partition: int, offset: int, timestamp: int, value: bytes
    ) -> ReceivedSignal:
        return ReceivedSignal(
            name=name_of(topic),
            topic=topic,
            key=key,
            record=self._codecs[topic].decode(value),
            partition=partition,
            offset=offset,
            timestamp=timestamp,
            value=value,
        )


def _opened(path: Path) -> sqlite3.Connection:
    """The table at `path`, made where nothing is; what is there is never replaced."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return connected(path, _SCHEMA)
    except (sqlite3.Error, OSError) as error:
        raise ConfigurationError(f"{path} is not a table of latest records: {error}") from error


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
