"""Answers of an endpoint, kept on disk by the hash of prompt, model and input.

It is a cache: bounded, made anew when it is damaged, and never waited for. It holds no text.
"""

import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import structlog

from earmark.streams.database import opened
from earmark.streams.instruction.answer import Answer, Reason, Scored, Unscored

log = structlog.get_logger()

MAX_ANSWERS = 1_000_000  # about 100 MB
_SCHEMA = """
CREATE TABLE IF NOT EXISTS said (number INTEGER PRIMARY KEY, key BLOB UNIQUE, answer TEXT);
"""


class InstructionCache:
    """Answers by their keys; a file that cannot be used keeps none and stops nobody."""

    def __init__(self, path: Path, *, max_answers: int = MAX_ANSWERS) -> None:
        self._max_answers = max_answers
        try:
            self._database: sqlite3.Connection | None = opened(path, _SCHEMA, busy_s=1.0)
        except (OSError, sqlite3.Error) as error:
            log.warning("answers of the endpoint are not kept", reason=str(error))
            self._database = None

    def get(self, key: bytes) -> Answer | None:
        """The answer under the key, if it is kept."""
        if self._database is None:
            return None
        try:
            statement = "SELECT answer FROM said WHERE key = ?"
            found = self._database.execute(statement, (key,)).fetchone()
            return None if found is None else _answer(json.loads(found[0]))
        except (sqlite3.Error, ValueError) as error:
            log.warning("answer of the endpoint not read", reason=str(error))
            return None

    def put(self, key: bytes, answer: Answer) -> None:
        """Keep an answer; beyond the limit the oldest go."""
        if self._database is None:
            return
        try:
            with self._database:
                insert = "INSERT OR REPLACE INTO said (key, answer) VALUES (?, ?)"
                self._database.execute(insert, (key, json.dumps(_plain(answer))))
                self._database.execute(
                    "DELETE FROM said WHERE number <= (SELECT max(number) FROM said) - ?",
                    (self._max_answers,),
                )
        except sqlite3.Error as error:
            log.warning("answer of the endpoint not kept", reason=str(error))

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()


def cache_key(request: object) -> bytes:
    """A digest of all that decides the answer: prompt, model, schema and input."""
    return sha256(json.dumps(request, sort_keys=True).encode()).digest()


def _plain(answer: Answer) -> object:
    return list(answer.probabilities) if isinstance(answer, Scored) else str(answer.reason)


def _answer(plain: object) -> Answer:
    if isinstance(plain, list):
        return Scored(probabilities=tuple(map(float, plain)))
    return Unscored(reason=Reason(str(plain)))
