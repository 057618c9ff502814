"""Reads the index for those who ask by HTTP, beside the thread that writes it."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.models.error import ServiceError
from earmark.streams.web.index.standing import Standing, item_record, standing

BUSY_S = 20.0


class IndexReader:
    """Reads the file at `path`; each thread that asks has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()
        self._lock = threading.Lock()
        self._all: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Close all connections; nobody may ask any more."""
        with self._lock:
            for database in self._all:
                database.close()
            self._all.clear()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a query gives; raises ServiceError where the file cannot be read."""
        try:
            return self._database.execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise ServiceError(f"{self._path.name}: {error}") from error

    def cursor(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """The same, to be read piece by piece."""
        try:
            return self._database.execute(sql, tuple(values))
        except sqlite3.Error as error:
            raise ServiceError(f"{self._path.name}: {error}") from error

    def item(self, content_id: str) -> dict[str, Any] | None:
        """The row of an item, with its event as `record`; None for one that is not known."""
        names = "changed_ms, event_ms, content_type, language, title, has_audio, has_texts"
        rows = self.rows(f"SELECT {names} FROM items WHERE content_id = ?", (content_id,))  # noqa: S608  # names from above
        if not rows:
            return None
        found = dict(zip(names.split(", "), rows[0], strict=True))
        return found | {"record": item_record(self.rows, content_id)}

    def standing(
        self, content_id: str, names: Sequence[str] | None = None
    ) -> Mapping[str, Standing]:
        """What stands of each signal, or of these."""
        return standing(self.rows, content_id, names=names)

    def documents(self, content_id: str, topic: str) -> list[dict[str, Any]]:
        """The item's records on a topic of what is made of answers, the newest first."""
        query = (
            "SELECT record FROM documents WHERE content_id = ? AND topic = ? "
            "ORDER BY produced_ms DESC"
        )
        return [json.loads(text) for (text,) in self.rows(query, (content_id, topic))]

    @property
    def _database(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._own, "database", None)
        if found is None:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            found = sqlite3.connect(uri, uri=True, timeout=BUSY_S, check_same_thread=False)
            self._own.database = found
            with self._lock:
                self._all.append(found)
        return found
