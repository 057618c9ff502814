"""What an audit remembers of each item: one short row, in a temporary file of SQLite.

The book is filled in the order events, receipts, signals, waiting records, rejections, each read
once from its topic; then it says what has become of each item's latest event. What it holds in
memory does not grow with the number of items.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from earmark.processors.identity import AnswerKey
from earmark.streams.audit_verdict import AuditVerdict, Found, verdict

Row = TypeVar("Row")

NOT_ANSWERED = -1
CHUNK = 1_000  # rows written at once
DIGEST_BYTES = 8
_NO_DIGEST = bytes(DIGEST_BYTES)

_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;
CREATE TABLE items (
  content_id TEXT PRIMARY KEY, event_id TEXT, partition INTEGER, offset INTEGER, arrived INTEGER,
  revision INTEGER, deleted INTEGER, expected INTEGER,
  there INTEGER DEFAULT 0, answered INTEGER DEFAULT -1, open INTEGER DEFAULT 0, answers BLOB,
  moved INTEGER DEFAULT 0, rejected INTEGER DEFAULT 0,
  waits TEXT, waits_partition INTEGER, waits_offset INTEGER, due INTEGER
) WITHOUT ROWID;
CREATE TABLE unreadable (
  partition INTEGER, offset INTEGER, arrived INTEGER, reason TEXT, rejected INTEGER DEFAULT 0,
  PRIMARY KEY (partition, offset)
) WITHOUT ROWID;
"""
_EVENT = """
INSERT INTO items (content_id, event_id, partition, offset, arrived, revision, deleted, expected)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (content_id) DO UPDATE SET
  event_id = excluded.event_id, partition = excluded.partition, offset = excluded.offset,
  arrived = excluded.arrived, revision = excluded.revision, deleted = excluded.deleted,
  expected = excluded.expected
WHERE excluded.revision > items.revision
"""
_UNREADABLE = "INSERT INTO unreadable (partition, offset, arrived, reason) VALUES (?, ?, ?, ?)"
_RECEIPT = "UPDATE items SET answered = ?, open = ?, answers = ?, moved = ? WHERE content_id = ?"
# an answer counts for the event if it was made for it or a later one, or stands unchanged
_SIGNAL = """
UPDATE items SET there = CASE
  WHEN ?1 AND (deleted OR ?2 >= revision OR substr(answers, ?3, 8) = ?4)
  THEN there | ?5 ELSE there & ~?5 END
WHERE content_id = ?6
"""
_TOMBSTONE = """
UPDATE items SET there = CASE WHEN ?1 THEN there | ?2 ELSE there & ~?2 END
WHERE content_id = ?3 AND deleted
"""
_WAITS = """
UPDATE items SET waits = ?, waits_partition = ?, waits_offset = ?, due = ?
WHERE content_id = ? AND revision = ?
"""
_REJECTED = """
UPDATE items SET rejected = 1 WHERE content_id = ?1 AND (
  (?2 AND partition = ?4 AND offset = ?5) OR
  (waits = ?3 AND waits_partition = ?4 AND waits_offset = ?5))
"""
_REJECTED_UNREAD = "UPDATE unreadable SET rejected = 1 WHERE partition = ? AND offset = ?"
_VERDICTS = """
SELECT partition, offset, arrived, content_id, event_id, revision, deleted, expected, there,
  answered, open, moved, rejected, waits, due, NULL FROM items
UNION ALL
SELECT partition, offset, arrived, '', '', 0, 0, 0, 0, 0, 0, 0, rejected, NULL, NULL, reason
FROM unreadable
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedEvent:
    """What is kept of an event; `expected` are labels, times are in milliseconds."""

    partition: int
    offset: int
    arrived_ms: int
    content_id: str
    event_id: str
    revision: int
    deleted: bool
    expected: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that is no event; `reason` says why."""

    partition: int
    offset: int
    arrived_ms: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a receipt says: the revision answered, and what the answers by label were made of.

    `open` says that a part of it is still to come, by another attempt.
    """

    content_id: str
    revision: int = NOT_ANSWERED
    open: bool = False
    answers: Mapping[str, AnswerKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One record of a signal's topic; `key` None where it has none, `present` unless erased."""

    content_id: str
    present: bool
    revision: int = NOT_ANSWERED
    key: AnswerKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecord:
    """A record that waits on another topic of events, until `due_ms` if that is known."""

    content_id: str
    revision: int
    topic: str
    partition: int
    offset: int
    due_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRecord:
    """Where the record stood that was rejected as a whole, unread or untouched."""

    content_id: str
    topic: str
    partition: int
    offset: int


class AuditBook:
    """The book of one audit, for one thread; in a `with` block or closed.

    `labels` name what can be missing: the signals, and other topics where a deleted item needs a
    tombstone. `events` is the topic audited, `long` the one of long events.
    """

    def __init__(self, labels: Sequence[str], *, events: str, long: str) -> None:
        self._labels = tuple(labels)
        self._bits = {label: 1 << number for number, label in enumerate(self._labels)}
        self._events = events
        self._long = long
        # an unnamed database: on disk as far as the cache does not hold it, and gone when closed
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")

    def __enter__(self) -> "AuditBook":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    @property
    def deletions(self) -> bool:
        """Whether the latest event of any item deletes it."""
        found = self._database.execute("SELECT 1 FROM items WHERE deleted LIMIT 1").fetchone()
        return found is not None

    def take_events(self, found: Iterable[AuditedEvent | Unreadable]) -> None:
        """Keep the latest of each item: that of the highest revision, the first of equal ones."""
        for chunk in _chunks(found):
            events = [it for it in chunk if isinstance(it, AuditedEvent)]
            unread = [it for it in chunk if isinstance(it, Unreadable)]
            self._database.executemany(_EVENT, map(self._row, events))
            self._database.executemany(
                _UNREADABLE, ((it.partition, it.offset, it.arrived_ms, it.reason) for it in unread)
            )

    def take_receipts(self, found: Iterable[Standing], *, meanwhile: bool = False) -> None:
        """The last of each item counts; `meanwhile`: they came after the others were read."""
        rows = ((it.revision, it.open, self._digests(it), meanwhile, it.content_id) for it in found)
        self._database.executemany(_RECEIPT, rows)

    def take_signals(self, label: str, found: Iterable[Answered]) -> None:
        """The last of each item counts."""
        bit, at = self._bits[label], self._labels.index(label) * DIGEST_BYTES + 1
        rows = (
            (it.present, it.revision, at, _digest(it.key) if it.key else b"", bit, it.content_id)
            for it in found
        )
        self._database.executemany(_SIGNAL, rows)

    def take_others(self, label: str, found: Iterable[Answered]) -> None:
        """Records of a topic that only deleted items must not stand on."""
        bit = self._bits[label]
        rows = ((it.present, bit, it.content_id) for it in found)
        self._database.executemany(_TOMBSTONE, rows)

    def take_waiting(self, found: Iterable[WaitingRecord]) -> None:
        """The last one of each event counts."""
        rows = (
            (it.topic, it.partition, it.offset, it.due_ms, it.content_id, it.revision)
            for it in found
        )
        self._database.executemany(_WAITS, rows)

    def take_rejections(self, found: Iterable[RejectedRecord]) -> None:
        """To be called after `take_waiting`: what waited may have been rejected there."""
        for chunk in _chunks(found):
            rows = (
                (it.content_id, it.topic == self._events, it.topic, it.partition, it.offset)
                for it in chunk
            )
            self._database.executemany(_REJECTED, rows)
            here = [it for it in chunk if it.topic == self._events]
            self._database.executemany(_REJECTED_UNREAD, ((it.partition, it.offset) for it in here))

    def verdicts(self) -> Iterator[AuditVerdict]:
        """One for each item and each record that is no event, in the order of their places."""
        for row in self._database.execute(_VERDICTS):
            yield verdict(Found(*row), self._bits, long=self._long)

    def _row(self, event: AuditedEvent) -> tuple[object, ...]:
        expected = sum(self._bits[label] for label in event.expected)
        own = (event.content_id, event.event_id, event.partition, event.offset, event.arrived_ms)
        return (*own, event.revision, event.deleted, expected)

    def _digests(self, standing: Standing) -> bytes:
        keys = (standing.answers.get(label) for label in self._labels)
        return b"".join(_NO_DIGEST if key is None else _digest(key) for key in keys)


def _digest(key: AnswerKey) -> bytes:
    """A short stand-in for the key, in this process: a book of millions holds one per signal."""
    return hash(key).to_bytes(DIGEST_BYTES, "little", signed=True)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, a bounded number at a time."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
