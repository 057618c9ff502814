"""The file of the index: opened, made again where its form is another, changed record by record.

What a batch of records changes is one transaction, together with the places up to which the topics
were read: a kill loses and doubles nothing. Erased items leave no row; a digest of their ids stays,
so that a question or a rejection that is read late does not bring them back.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, closing
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.streams.database import kind_of, opened, remove
from earmark.streams.subscription.place import Position, parsed_place

APPLICATION_ID = 0x45726D49  # "ErmI", in the header of the file
VERSION = 1
HISTORY = 50  # values of a signal that are kept of an item
KEPT_MS = 31 * 86_400_000  # rejections and dead letters: Kafka keeps them no longer
STATS_KEPT_MS = 90 * 86_400_000
BUSY_S = 20.0

OF_ITEM = (
    *("items", "signals", "labels", "history", "vectors", "documents", "passages"),
    *("rejections", "letters", "renderings"),
)
_UNTIDY = "untidy"


class IndexFile:
    """The index at `path`, to be written by one thread.

    A file of another version, older or newer, is made again. Raises ConfigurationError for a file
    that is something else; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            _make_way(path)
            self._database = opened(path, _schema(), busy_s=BUSY_S)
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(f"{path} cannot be the inspector's index: {error}") from error
        self._erased = dict(self._database.execute("SELECT digest, erased_ms FROM erased"))

    def close(self) -> None:
        """Close it."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[object]:
        """A block whose changes are in the file all together, or, where it raises, not at all."""
        return self._database

    def execute(self, sql: str, values: Iterable[object] = ()) -> sqlite3.Cursor:
        """Run a statement within the transaction."""
        return self._database.execute(sql, tuple(map(_as_unicode, values)))

    def execute_named(self, sql: str, values: Mapping[str, object]) -> None:
        """The same with values by name."""
        self._database.execute(sql, {name: _as_unicode(it) for name, it in values.items()})

    def execute_all(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run it for each row."""
        self._database.executemany(sql, (tuple(map(_as_unicode, row)) for row in rows))

    def places(self) -> dict[str, int]:
        """Up to where the topics were read."""
        return dict(self._database.execute("SELECT place, offset FROM places"))

    def note_places(self, position: Position) -> None:
        """They were read up to there."""
        self.execute_all("INSERT OR REPLACE INTO places VALUES (?, ?)", list(position.items()))

    def fact(self, name: str) -> str | None:
        """What was noted under that name."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Note it."""
        self.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def is_erased(self, content_id: str, at_ms: int) -> bool:
        """Whether a record about the item that came at that time is of before its erasure."""
        erased_ms = self._erased.get(_digest(content_id))
        return erased_ms is not None and at_ms <= erased_ms

    def erase(self, content_id: str, at_ms: int) -> None:
        """Remove all that is known of the item, and what comes late of the time before `at_ms`."""
        self.forget(content_id)
        digest = _digest(content_id)
        self._erased[digest] = max(at_ms, self._erased.get(digest, 0))
        row = (digest, self._erased[digest])
        self.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", row)

    def forget(self, content_id: str) -> bool:
        """Remove all that is known of the item; whether anything was."""
        statements = (f"DELETE FROM {table} WHERE content_id = ?" for table in OF_ITEM)  # noqa: S608  # names from above
        removed = sum(self.execute(sql, (content_id,)).rowcount for sql in statements)
        if removed:
            self.note(_UNTIDY, "1")
        return bool(removed)

    def forget_topic(self, topic: str) -> None:
        """Remove what came from a topic that is not followed any more, and where it was read."""
        gone = [(at,) for at in self.places() if parsed_place(at)[0] == topic]
        with self.transaction():
            for table in ("signals", "labels", "history", "vectors", "documents"):
                self.execute(f"DELETE FROM {table} WHERE topic = ?", (topic,))  # noqa: S608  # likewise
            self.execute_all("DELETE FROM places WHERE place = ?", gone)
            self.note(_UNTIDY, "1")

    def begin_again(self, facts: Mapping[str, str]) -> None:
        """Empty it, so that all is read again."""
        tables = (*OF_ITEM, "erased", "stats", "alerts", "places", "facts")
        with self.transaction():
            for table in tables:
                self.execute(f"DELETE FROM {table}")  # noqa: S608  # likewise
            for name, value in facts.items():
                self.note(name, value)
            self.note(_UNTIDY, "1")
        self._erased.clear()

    def drop_old(self) -> None:
        """Remove what the topics themselves do not keep any more."""
        now_ms = time.time_ns() // 1_000_000
        with self.transaction():
            for table in ("rejections", "letters"):
                self.execute(f"DELETE FROM {table} WHERE arrived_ms < ?", (now_ms - KEPT_MS,))  # noqa: S608  # likewise
            self.execute("DELETE FROM stats WHERE window_start < ?", (now_ms - STATS_KEPT_MS,))
            self.execute("DELETE FROM alerts WHERE window_end < ?", (now_ms - STATS_KEPT_MS,))

    def tidy(self) -> None:
        """Let the words of what was removed go from the file too, and from its journal.

        FTS5 marks rows as deleted and drops their words when segments are merged.
        """
        if self.fact(_UNTIDY) is None:
            return
        with self.transaction():
            self.execute("INSERT INTO words (words) VALUES ('optimize')")
            self.execute("DELETE FROM facts WHERE name = ?", (_UNTIDY,))
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def forget_items(path: Path, content_ids: Iterable[str]) -> None:
    """Take items out of the index at `path`, beside a server that may be following."""
    with closing(IndexFile(path)) as index:
        with index.transaction():
            for content_id in content_ids:
                index.forget(content_id)
        index.tidy()


def compact(value: object) -> str:
    """JSON in few signs."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_unicode(value: object) -> object:
    """The value; a text with U+FFFD in place of lone surrogates, which SQLite does not take."""
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _digest(content_id: str) -> bytes:
    return blake2b(content_id.encode(errors="surrogatepass"), digest_size=16).digest()


def _schema() -> str:
    text = (files(__package__) / "schema.sql").read_text(encoding="utf-8")
    return f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};{text}"


def _make_way(path: Path) -> None:
    """Remove a file of ours in another form; raise ConfigurationError for what is not ours."""
    if not path.exists():
        return
    try:
        kind, version, tables = kind_of(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return  # damaged: `opened` makes it again
    if kind != APPLICATION_ID and tables:
        raise ConfigurationError(f"{path} is not the inspector's index: it is something else's")
    if kind == APPLICATION_ID and version != VERSION:
        remove(path)
