"""The last record of each item, of a run and of the live topics, in a temporary file.

Comparing needs whole records of both sides at once, and they come in no common order: memory would
not hold those of a million items, a file does. SQLite deletes it by itself, also when the process
is killed; TMPDIR says where it lies, on most machines `/var/tmp`.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_TEMPORARY = ""  # the name of a database that has none
_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-65536;  -- KiB
CREATE TABLE items (id INTEGER PRIMARY KEY, key BLOB UNIQUE);
CREATE TABLE run (topic INTEGER, item INTEGER, payload BLOB, PRIMARY KEY (topic, item));
CREATE TABLE live (item INTEGER PRIMARY KEY, payload BLOB);
"""

Keyed = Iterable[tuple[bytes, bytes | None]]  # keys and payloads, None for a deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last record of an item on one topic; `payload` is None for a deletion."""

    payload: bytes | None


class LastRecords:
    """The last records of a run's topics, and of one live topic at a time.

    The run's topics are told apart by a number. For one thread, in a `with` block.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect(_TEMPORARY)
        self._database.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._database.close()

    def put_run(self, topic: int, records: Keyed) -> None:
        """Records of a topic of the run, in their order; their items are those of the run."""
        held = list(records)
        self._database.executemany(
            "INSERT OR IGNORE INTO items (key) VALUES (?)", [(key,) for key, _ in held]
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO run SELECT ?, id, ? FROM items WHERE key = ?",
            [(topic, payload, key) for key, payload in held],
        )

    def put_live(self, records: Keyed) -> None:
        """Records of the live topic, in their order; those of other items are dropped."""
        self._database.executemany(
            "INSERT OR REPLACE INTO live SELECT id, ? FROM items WHERE key = ?",
            [(payload, key) for key, payload in records],
        )

    def clear_live(self) -> None:
        """Make room for the next live topic."""
        self._database.execute("DELETE FROM live")

    def pairs(self, topic: int) -> Iterator[tuple[bytes, Last | None, Last | None]]:
        """Key, live and run's record of each item that has any, in the order of the keys."""
        rows = self._database.execute(
            "SELECT key, live.item, live.payload, run.item, run.payload FROM items"
            " LEFT JOIN run ON run.item = items.id AND run.topic = ?"
            " LEFT JOIN live ON live.item = items.id"
            " WHERE run.item NOT NULL OR live.item NOT NULL ORDER BY key",
            (topic,),
        )
        for key, is_live, live, is_run, run in rows:
            yield (
                key,
                None if is_live is None else Last(payload=live),
                None if is_run is None else Last(payload=run),
            )

    def count(self) -> int:
        """The items of the run, whatever was answered of them."""
        found: tuple[int] = self._database.execute("SELECT count(*) FROM items").fetchone()
        return found[0]

    def of_run(self, key: bytes) -> Iterator[tuple[int, bytes]]:
        """What the run said of an item and did not delete: topics with payloads."""
        yield from self._database.execute(
            "SELECT topic, payload FROM run JOIN items ON item = id"
            " WHERE key = ? AND payload NOT NULL",
            (key,),
        )
