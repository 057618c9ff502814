"""Answers about recordings, kept on disk for the next event with the same audio.

What an answer was made of is its key, so an entry is right under whatever item, group or cluster
it was made; all workers of a machine share one file. It is a cache: bounded in bytes and in days,
made anew when it is damaged, and never waited for. What is kept of an item that is erased is
removed here at once; on machines that had the item earlier it ends with its days.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from hashlib import blake2b
from pathlib import Path
from threading import Lock

import structlog

from earmark.processors.codec import RECORD_BYTES, Codec, result_of
from earmark.processors.error import ContentError
from earmark.processors.identity import AnswerKey
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.schema import schema_of
from earmark.streams.database import opened

log = structlog.get_logger()

KEPT_DAYS = 7.0  # as long as an older record may lie on a compacted topic
TRIM_EVERY = 256  # puts
_BUSY_S = 1.0  # another worker of this machine is writing
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  number INTEGER PRIMARY KEY, key BLOB UNIQUE, content_id TEXT, payload BLOB, stored_s REAL
);
CREATE INDEX IF NOT EXISTS answers_of_item ON answers (content_id);
"""


class AnswerCache:
    """Answers by what they were made of; any thread may ask."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._codecs: dict[str, Codec] = {}
        self._lock = Lock()
        self._puts = 0
        self._database = _opened(path)

    def get(self, topic: str, key: AnswerKey) -> Result | None:
        """The answer of this topic made of this, if it is kept."""
        if not self._max_bytes:
            return None
        try:
            with self._lock:
                found = self._database.execute(
                    "SELECT payload FROM answers WHERE key = ?", (_digest(topic, key),)
                ).fetchone()
                return None if found is None else self._result(topic, found[0])
        except (sqlite3.Error, ContentError) as error:
            log.warning("answer not read from the cache", reason=str(error))
            return None

    def put(self, answers: Iterable[tuple[str, AnswerKey, str, bytes]]) -> None:
        """Keep answers: topic, key, content_id and the record as it was published."""
        rows = [
            (_digest(topic, key), content_id, payload, time.time())
            for topic, key, content_id, payload in answers
            if len(payload) <= RECORD_BYTES
        ]
        if not rows or not self._max_bytes:
            return
        statement = "INSERT OR IGNORE INTO answers VALUES (NULL, ?, ?, ?, ?)"
        self._change(lambda: self._database.executemany(statement, rows))
        self._puts += 1
        if self._puts % TRIM_EVERY == 1:
            self._change(self._trim)

    def forget(self, content_ids: Collection[str]) -> None:
        """Remove what was made of these items."""
        rows = [(content_id,) for content_id in content_ids]
        if rows:
            statement = "DELETE FROM answers WHERE content_id = ?"
            self._change(lambda: self._database.executemany(statement, rows))
            # what the journal still holds goes too
            self._change(lambda: self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)"))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _result(self, topic: str, payload: bytes) -> Result | None:
        codec = self._codecs.setdefault(topic, Codec(schema_of(topic)))
        result = result_of(topic, codec.decode(payload))
        # an answer that was too long to be published says nothing to those that need it
        return None if result.outcome == OutcomeKind.ERROR else result

    def _change(self, change: Callable[[], object]) -> None:
        try:
            with self._lock:
                change()
                self._database.commit()
        except sqlite3.Error as error:
            log.warning("answers not kept", reason=str(error))

    def _trim(self) -> None:
        """Let the oldest go until the rest fits."""
        too_old_s = time.time() - KEPT_DAYS * 86_400
        self._database.execute("DELETE FROM answers WHERE stored_s < ?", (too_old_s,))
        self._database.execute(
            "DELETE FROM answers WHERE number <= (SELECT max(number) FROM (SELECT number, "
            "sum(length(payload)) OVER (ORDER BY number DESC) AS held FROM answers) "
            "WHERE held > ?)",
            (self._max_bytes,),
        )


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return opened(path, _SCHEMA, busy_s=_BUSY_S)
    except (OSError, sqlite3.Error) as error:  # a full disk must not stop a worker
        log.warning("answers are kept in memory", reason=str(error))
        database = sqlite3.connect(":memory:", check_same_thread=False)
        database.executescript(_SCHEMA)
        return database


def _digest(topic: str, key: AnswerKey) -> bytes:
    parts = "\x1f".join((topic, key.input_digest, key.config_hash))
    return blake2b(parts.encode(), digest_size=16).digest()
