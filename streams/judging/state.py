"""What is known of the items of one partition, on disk, filled again from the topics.

One SQLite file per partition: the newest record of each item on each topic, as bytes, and per
topic the offset up to which it is held. Both change in one transaction, so that a restart reads
only what is new. The files are a cache: what is lost is read from the topics again.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from earmark.streams.database import opened

# topics forget tombstones after a week: who was away for longer may have missed some
FRESH_MS = 3 * 86_400_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    content_id TEXT, topic TEXT, offset INTEGER, at_ms INTEGER, payload BLOB,
    PRIMARY KEY (content_id, topic)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (topic TEXT PRIMARY KEY, next INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standing (content_id TEXT PRIMARY KEY, at_ms INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS standing_by_time ON standing (at_ms);
CREATE TABLE IF NOT EXISTS rulings (
    content_id TEXT, policy TEXT, rule TEXT, effect TEXT, at_ms INTEGER,
    PRIMARY KEY (content_id, policy, rule, effect)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rulings_by_effect ON rulings (effect, at_ms);
CREATE INDEX IF NOT EXISTS rulings_by_policy ON rulings (policy, at_ms, rule, effect);
CREATE TABLE IF NOT EXISTS requests (
    content_id TEXT, request_id TEXT, payload BLOB, PRIMARY KEY (content_id, request_id)
) WITHOUT ROWID;
"""
_TABLES = ("records", "positions", "facts", "standing", "rulings", "requests")
_JUDGED_UNDER, _JUDGED_TO, _SAVED_AT = "judged_under", "judged_to", "saved_at"

RulingName = tuple[str, str, str]  # policy, rule, effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One record of a topic, whose payload is None for a tombstone.

    `writer` is the group of agents that wrote a verdict, None where its headers do not say.
    """

    topic: str
    partition: int
    offset: int
    content_id: str
    payload: bytes | None
    at_ms: int
    writer: str | None = None


class Held(NamedTuple):
    """A record that is held: where it stood, when Kafka took it, and its bytes."""

    offset: int
    at_ms: int
    payload: bytes


class PartitionState:
    """The items of one partition; for one thread at a time, `commit` ends what was changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = opened(path, _SCHEMA)
        self._database.isolation_level = "DEFERRED"

    def position(self, topic: str) -> int:
        """The offset before which all of the topic's records are held."""
        found = self._one("SELECT next FROM positions WHERE topic = ?", topic)
        return int(found[0]) if found else 0

    def advance(self, topic: str, offset: int) -> None:
        """All before `offset` is held; a smaller one than is noted changes nothing."""
        self._database.execute(
            "INSERT INTO positions VALUES (?, ?) "
            "ON CONFLICT (topic) DO UPDATE SET next = max(next, excluded.next)",
            (topic, offset),
        )

    def held(self, content_id: str) -> dict[str, Held]:
        """The item's newest record on each topic that has one."""
        rows = self._database.execute(
            "SELECT topic, offset, at_ms, payload FROM records "
            "WHERE content_id = ? AND payload IS NOT NULL",
            (content_id,),
        )
        return {topic: Held(offset, at_ms, payload) for topic, offset, at_ms, payload in rows}

    def held_offset(self, content_id: str, topic: str) -> int:
        """The offset of the record that is held of the item; -1 where there is none."""
        found = self._one(
            "SELECT offset FROM records WHERE content_id = ? AND topic = ?", content_id, topic
        )
        return int(found[0]) if found else -1

    def put(self, arrival: Arrival, *, forget: bool = True) -> None:
        """Hold the record in place of the one before; of a tombstone nothing, unless to be kept."""
        key = (arrival.content_id, arrival.topic)
        if arrival.payload is None and forget:
            self._database.execute("DELETE FROM records WHERE content_id = ? AND topic = ?", key)
        else:
            self._database.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)",
                (*key, arrival.offset, arrival.at_ms, arrival.payload),
            )

    def show(self, content_id: str, at_ms: int, rulings: Iterable[RulingName]) -> None:
        """Let the views find the item by the verdict that Kafka took then."""
        self._database.execute("DELETE FROM rulings WHERE content_id = ?", (content_id,))
        self._database.execute("INSERT OR REPLACE INTO standing VALUES (?, ?)", (content_id, at_ms))
        rows = [(content_id, *names, at_ms) for names in rulings]
        self._database.executemany("INSERT OR REPLACE INTO rulings VALUES (?, ?, ?, ?, ?)", rows)

    def hide(self, content_id: str) -> None:
        """The item has no verdict any more, and no questions are open about it."""
        for table in ("standing", "rulings", "requests"):
            self._database.execute(
                f"DELETE FROM {table} WHERE content_id = ?",  # noqa: S608 - names from above
                (content_id,),
            )

    def put_request(self, content_id: str, request_id: str, payload: bytes) -> None:
        """Note a question that was asked."""
        self._database.execute(
            "INSERT OR REPLACE INTO requests VALUES (?, ?, ?)", (content_id, request_id, payload)
        )

    def forget_requests_of_the_gone(self) -> None:
        """Drop questions about items of which nothing else is held; their topic keeps them."""
        self._database.execute(
            "DELETE FROM requests WHERE NOT EXISTS (SELECT 1 FROM records "
            "WHERE records.content_id = requests.content_id AND payload IS NOT NULL)"
        )

    def requests(self) -> Iterator[bytes]:
        """All questions that were asked about items of the partition."""
        for (payload,) in self._database.execute("SELECT payload FROM requests"):
            yield payload

    def items_after(self, content_id: str, count: int) -> list[str]:
        """The next `count` items behind this one, in their order; all begin behind ""."""
        rows = self._database.execute(
            "SELECT DISTINCT content_id FROM records WHERE content_id > ? "
            "ORDER BY content_id LIMIT ?",
            (content_id, count),
        )
        return [row[0] for row in rows]

    def judged_to(self, digest: str) -> str | None:
        """The item up to which all were judged under these policies; None: all of them were."""
        if self._fact(_JUDGED_UNDER) == digest:
            return self._fact(_JUDGED_TO)
        return ""

    def note_judged(self, digest: str, content_id: str | None) -> None:
        """All items up to this one were judged under these policies; None: all of them."""
        self._state(_JUDGED_UNDER, digest)
        self._state(_JUDGED_TO, content_id)

    def keep_topics(self, topics: Iterable[str]) -> None:
        """Forget what is of other topics: nobody would tell of deletions on them."""
        rows = self._database.execute("SELECT topic FROM positions")
        for topic in {row[0] for row in rows} - set(topics):
            self._database.execute("DELETE FROM records WHERE topic = ?", (topic,))
            self._database.execute("DELETE FROM positions WHERE topic = ?", (topic,))

    def is_stale(self) -> bool:
        """Whether it was left for so long that tombstones may have been missed."""
        saved = self._fact(_SAVED_AT)
        return saved is not None and _now_ms() - int(saved) > FRESH_MS

    def clear(self) -> None:
        """Forget everything."""
        for table in _TABLES:
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - names from this module
        self._database.commit()

    def commit(self) -> None:
        """Keep what was changed, offsets included."""
        self._state(_SAVED_AT, str(_now_ms()))
        self._database.commit()

    def close(self) -> None:
        """Close the file; what was not committed is gone."""
        self._database.close()

    def _fact(self, name: str) -> str | None:
        found = self._one("SELECT value FROM facts WHERE name = ?", name)
        return found[0] if found else None

    def _state(self, name: str, value: str | None) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _one(self, query: str, *values: object) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = self._database.execute(query, values).fetchone()
        return found


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
