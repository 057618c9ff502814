"""The file of SQLite that holds the latest records, with the offsets up to which they were read.

Its tables are for others to read too, in WAL mode:

    records     topic, content_id, partition, offset, timestamp, record (JSON), value (as in Kafka)
    places      place (`<topic>:<partition>`), offset
    schemas     id, definition: those that the values were written with
    unreadable  topic, number of records that could not be read
    facts       name, value
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.processors.codec import Codec, jsonable
from earmark.processors.schema import Definition, schema_of
from earmark.processors.wire import HEADER_BYTES, WriterSchema
from earmark.streams.database import connected
from earmark.streams.subscription.name import live_topic, name_of
from earmark.streams.subscription.place import Position, parsed_place
from earmark.streams.subscription.received import ReceivedSignal, UnreadableRecord

_GENERATION = "generation"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  topic TEXT NOT NULL, content_id TEXT NOT NULL, partition INTEGER NOT NULL,
  offset INTEGER NOT NULL, timestamp INTEGER NOT NULL, generation INTEGER NOT NULL,
  record TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (topic, content_id)
);
CREATE TABLE IF NOT EXISTS places (place TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schemas (id INTEGER PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unreadable (topic TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_TABLES = {"records", "places", "schemas", "unreadable", "facts"}
_PUT = """
INSERT OR REPLACE INTO records
(topic, content_id, partition, offset, timestamp, generation, record, value)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_REMOVE = "DELETE FROM records WHERE topic = ? AND content_id = ?"
_READ = "SELECT topic, content_id, partition, offset, timestamp, value FROM records"


class LatestFile:
    """The file at `path`, made where nothing is, with records of these topics.

    Raises ConfigurationError for a file that is something else; it is left as it is.
    """

    def __init__(self, path: Path, topics: Iterable[str]) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _check_ours(path)
            self._database = connected(path, _SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(f"{path} is not a table of latest records: {error}") from error
        self._known = {row[0] for row in self._database.execute("SELECT id FROM schemas")}
        self._codecs = {
            topic: Codec(schema_of(live_topic(topic)), writer_schema=self._definition)
            for topic in topics
        }
        self.generation = int(self.fact(_GENERATION) or 0)

    def close(self) -> None:
        """Close it."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[object]:
        """A block whose changes are in the file all together, or, where it raises, not at all."""
        return self._database

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM records").fetchone()[0])

    def __iter__(self) -> Iterator[ReceivedSignal]:
        for row in self._database.execute(f"{_READ} ORDER BY rowid"):
            yield self._signal(*row)

    def in_time(self, topic: str) -> Iterator[ReceivedSignal]:
        """The records of the topic, in the order of their arrival."""
        asked = f"{_READ} WHERE topic = ? ORDER BY timestamp, rowid"
        for row in self._database.execute(asked, (topic,)):
            yield self._signal(*row)

    def get(self, topic: str, content_id: str) -> ReceivedSignal | None:
        """The item's record of the topic; None where there is none."""
        asked = f"{_READ} WHERE topic = ? AND content_id = ?"
        row = self._database.execute(asked, (topic, content_id)).fetchone()
        return None if row is None else self._signal(*row)

    def put(self, signal: ReceivedSignal, writer_schema: WriterSchema) -> None:
        """Let it stand in place of what stood."""
        value = signal.value or b""
        if (schema_id := int.from_bytes(value[1:HEADER_BYTES])) not in self._known:
            row = (schema_id, json.dumps(writer_schema(schema_id)))
            self._database.execute("INSERT OR IGNORE INTO schemas VALUES (?, ?)", row)
            self._known.add(schema_id)
        place = (signal.topic, signal.key, signal.partition, signal.offset, signal.timestamp)
        text = json.dumps(jsonable(signal.record))
        self._database.execute(_PUT, (*place, self.generation, text, value))

    def remove(self, record: ReceivedSignal | UnreadableRecord) -> bool:
        """Let nothing stand for the record's item; whether anything did."""
        return self._database.execute(_REMOVE, (record.topic, record.key)).rowcount > 0

    def count_unreadable(self, topic: str) -> None:
        """Count a record of the topic that could not be read."""
        self._database.execute(
            "INSERT INTO unreadable VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1",
            (topic,),
        )

    def unreadable(self) -> dict[str, int]:
        """How many there were, by topic."""
        return dict(self._database.execute("SELECT topic, number FROM unreadable"))

    def places(self) -> dict[str, int]:
        """Up to where the topics were read."""
        return dict(self._database.execute("SELECT place, offset FROM places"))

    def note_places(self, position: Position) -> None:
        """They were read up to there."""
        rows = position.items()
        self._database.executemany("INSERT OR REPLACE INTO places VALUES (?, ?)", rows)

    def forget(self, topic: str) -> None:
        """Remove the records of the topic, and where it was read."""
        gone = [(at,) for at in self.places() if parsed_place(at)[0] == topic]
        with self._database:
            self._database.execute("DELETE FROM records WHERE topic = ?", (topic,))
            self._database.executemany("DELETE FROM places WHERE place = ?", gone)

    def begin_generation(self, facts: Mapping[str, str]) -> None:
        """Let all be read again: what does not come again is removed by `end_generation`."""
        with self._database:
            self._database.execute("DELETE FROM places")
            self._database.execute("DELETE FROM unreadable")
            self.generation += 1
            for name, value in {**facts, _GENERATION: str(self.generation)}.items():
                self._write(name, value)

    def end_generation(self, facts: Mapping[str, str]) -> int:
        """Remove what belongs to an older one; how many records that were."""
        with self._database:
            removed = self._database.execute(
                "DELETE FROM records WHERE generation < ?", (self.generation,)
            ).rowcount
            for name, value in facts.items():
                self._write(name, value)
        return removed

    def fact(self, name: str) -> str | None:
        """What was noted under that name."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Note it."""
        with self._database:
            self._write(name, value)

    def check(self, name: str, value: str, holds: str) -> None:
        """Note it at the first time; ConfigurationError where another value was noted then."""
        found = self.fact(name)
        if found is None:
            self.note(name, value)
        elif found != value:
            raise ConfigurationError(f"{self.path} holds {holds}: name another file")

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


def _check_ours(path: Path) -> None:
    """Raise ConfigurationError for a database of something else, which is left as it is."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {str(name) for (name,) in found}
    if strange := tables - _TABLES if "facts" not in tables else ():
        raise ConfigurationError(
            f"{path} is not a table of latest records: it holds {min(strange)}"
        )
