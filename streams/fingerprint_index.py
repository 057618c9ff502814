"""Fingerprints on disk, and which of them share a passage with one that is asked about.

One SQLite file: each item's fingerprint, and by hash where a part of its landmarks stands. Those
find the candidates; the whole fingerprints of the best decide (`earmark.models.alignment`).
A change is one transaction, together with the places up to which a topic has been read.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from earmark.models.alignment import aligned
from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.fingerprint import Fingerprint, Hashes, Times
from earmark.streams.database import connected, kind_of

INDEXED = 1 / 3  # of an item's landmarks that are looked up by hash: eight a second
STOP = 2_000  # places of a hash above which it says nothing of which item
SLICE = 5_000  # landmarks of a query that are looked up together: three minutes
CANDIDATES = 40  # of each slice, compared as a whole
LEAST_HITS = 2  # of a candidate, at one offset

_LATEST = 2**31  # frames; no recording is two years long
_ID = 0x4561726D  # "Earm", in the header of the file: no other database is taken for an index
_VERSION = 1
_SCHEMA = f"""
PRAGMA application_id = {_ID}; PRAGMA user_version = {_VERSION};
CREATE TABLE IF NOT EXISTS items (
  number INTEGER PRIMARY KEY, content_id TEXT UNIQUE NOT NULL, from_topic INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, share REAL NOT NULL, pcm_digest TEXT NOT NULL,
  landmarks BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS postings (
  hash INTEGER, item INTEGER, time INTEGER, PRIMARY KEY (hash, item, time)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
  topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_NO_HITS = np.zeros((0, 2), np.int64)

Postings = list[tuple[int, int, int]]  # hash, item, time
Place = tuple[str, int]  # topic, partition


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedItem:
    """A fingerprint with the item that it is of; `from_topic`: not from files of someone's."""

    content_id: str
    fingerprint: Fingerprint = field(repr=False)
    duration_ms: int
    pcm_digest: str
    from_topic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An item that shares a passage with what was asked about.

    `score`, `offset_ms`, `start_ms` and `matched_ms` as of an `Alignment`. `same_pcm` says that
    both decode to the same samples.
    """

    content_id: str
    score: float
    votes: float
    offset_ms: int
    start_ms: int
    matched_ms: int
    same_pcm: bool = False


class FingerprintIndex:
    """The index in the file at `path`, made where it is missing if `make`; for one thread.

    Raises ConfigurationError where the file is something else, or missing and not to be made,
    ServiceError where it cannot be read or written.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self._path = path
        if not make and not path.exists():
            raise ConfigurationError(
                f"no index at {path}: `earmark match --add FILE...` or `--from-topic` makes one"
            )
        with self._failing():
            _check(path)
            self._database = connected(path, _SCHEMA)

    def __len__(self) -> int:
        with self._failing():
            count: int = self._database.execute("SELECT count(*) FROM items").fetchone()[0]
        return count

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

    def write(
        self,
        items: Iterable[IndexedItem] = (),
        *,
        removed: Collection[str] = (),
        places: Mapping[Place, int] | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Add items (in place of what they had), remove others, note places: all or nothing."""
        latest = {item.content_id: item for item in items}
        with self._failing(), self._database:
            for content_id in dict.fromkeys((*latest, *removed)):
                self._remove(content_id)
            postings = [row for item in latest.values() for row in self._put(item)]
            # in the order of the table: neighbours are written together
            self._database.executemany(
                "INSERT OR IGNORE INTO postings VALUES (?, ?, ?)", sorted(postings)
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?)",
                [(topic, number, at) for (topic, number), at in (places or {}).items()],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", list((facts or {}).items())
            )

    def forget(self, content_ids: Collection[str]) -> int:
        """Remove items, from the file's journal too; how many of them were there."""
        there = [content_id for content_id in content_ids if content_id in self]
        if there:
            self.write(removed=there)
            with self._failing():
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return len(there)

    def begin_again(self, *, batch: int = 200) -> None:
        """Remove what came from a topic, and where it has been read to."""
        with self._failing(), self._database:
            self._database.execute("DELETE FROM places")
        while True:
            with self._failing():
                rows = self._database.execute(
                    "SELECT content_id FROM items WHERE from_topic LIMIT ?", (batch,)
                ).fetchall()
            if not rows:
                return
            self.write(removed=[content_id for (content_id,) in rows])

    def places(self, topic: str) -> dict[int, int]:
        """The offset to be read next, by partition."""
        sql = "SELECT partition, next FROM places WHERE topic = ?"
        with self._failing():
            return dict(self._database.execute(sql, (topic,)).fetchall())

    def fact(self, name: str) -> str | None:
        """What was noted under a name."""
        sql = "SELECT value FROM facts WHERE name = ?"
        with self._failing():
            found = self._database.execute(sql, (name,)).fetchone()
        return None if found is None else str(found[0])

    def items(self) -> Iterator[IndexedItem]:
        """All items, in the order of their ids."""
        with self._failing():
            rows = self._database.execute("SELECT content_id FROM items ORDER BY content_id")
            for (content_id,) in rows.fetchall():
                yield self._item("content_id", content_id)[1]

    def get(self, content_id: str) -> IndexedItem | None:
        """The item, None where it is not there."""
        if content_id not in self:
            return None
        with self._failing():
            return self._item("content_id", content_id)[1]

    def __contains__(self, content_id: str) -> bool:
        sql = "SELECT 1 FROM items WHERE content_id = ?"
        with self._failing():
            return self._database.execute(sql, (content_id,)).fetchone() is not None

    def match(
        self, fingerprint: Fingerprint, *, pcm_digest: str = "", leave_out: str | None = None
    ) -> list[Match]:
        """The items that share a passage with the fingerprint, best first.

        `leave_out` is an item that is not meant. Memory is bounded by the fingerprint, `STOP`
        places for each of its hashes, and one item.
        """
        found: list[Match] = []
        with self._failing():
            for number in self._candidates(fingerprint):
                _, item = self._item("number", number)
                if item.content_id != leave_out:
                    found += _matches(fingerprint, pcm_digest, item)
        return sorted(found, key=lambda match: (-match.score * match.matched_ms, match.content_id))

    def _candidates(self, fingerprint: Fingerprint) -> list[int]:
        """The items with most indexed landmarks at one offset, by their numbers."""
        most: Counter[int] = Counter()
        for at in range(0, len(fingerprint), SLICE):
            part = slice(at, at + SLICE)
            for item, hits in self._most_hit(fingerprint.hashes_H[part], fingerprint.times_H[part]):
                most[item] = max(most[item], hits)
        return sorted(most, key=lambda item: (-most[item], item))

    def _most_hit(self, hashes_Q: Hashes, times_Q: Times) -> list[tuple[int, int]]:
        """Candidates by part of a fingerprint, with their hits at one offset."""
        times: dict[int, list[int]] = {}
        for hash_, time in zip(hashes_Q.tolist(), times_Q.tolist(), strict=True):
            times.setdefault(hash_, []).append(time)
        hits = [self._hits(hash_, times[hash_]) for hash_ in times]
        return _best(np.concatenate([_NO_HITS, *hits]))

    def _hits(self, hash_: int, times: Sequence[int]) -> NDArray[np.int64]:
        """[n, 2]: item and offset, for each place of the hash."""
        rows = self._database.execute(
            "SELECT item, time FROM postings WHERE hash = ? LIMIT ?", (hash_, STOP + 1)
        ).fetchall()
        if not rows or len(rows) * len(times) > STOP:
            return _NO_HITS
        places_n2 = np.array(rows, np.int64)
        return np.concatenate([places_n2 - (0, time) for time in times])

    def _item(self, column: str, value: int | str) -> tuple[int, IndexedItem]:
        row = self._database.execute(
            "SELECT number, content_id, from_topic, duration_ms, share, pcm_digest, landmarks "  # noqa: S608  # the column is one of two, named above
            f"FROM items WHERE {column} = ?",
            (value,),
        ).fetchone()
        return row[0], IndexedItem(
            content_id=row[1],
            from_topic=bool(row[2]),
            duration_ms=row[3],
            pcm_digest=row[5],
            fingerprint=Fingerprint.unpacked(row[6], share=row[4]),
        )

    def _put(self, item: IndexedItem) -> Postings:
        """Write the item; the postings that it needs."""
        number = self._database.execute(
            "INSERT INTO items VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (
                item.content_id,
                int(item.from_topic),
                item.duration_ms,
                item.fingerprint.share,
                item.pcm_digest,
                item.fingerprint.packed(),
            ),
        ).lastrowid
        return _postings(number or 0, item.fingerprint)

    def _remove(self, content_id: str) -> None:
        if content_id not in self:
            return
        number, item = self._item("content_id", content_id)
        self._database.executemany(
            "DELETE FROM postings WHERE hash = ? AND item = ? AND time = ?",
            _postings(number, item.fingerprint),
        )
        self._database.execute("DELETE FROM items WHERE number = ?", (number,))

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ServiceError(f"index {self._path}: {error}") from error


def _check(path: Path) -> None:
    """Raises ConfigurationError where a file is there which is no index of this version."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    try:
        kind, version, tables = kind_of(path)
    except sqlite3.OperationalError:
        raise  # it cannot be read now, which says nothing of what is in it
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"{path} is no index of fingerprints") from error
    if kind != _ID and tables:
        raise ConfigurationError(f"{path} is no index of fingerprints")
    if kind == _ID and version != _VERSION:
        raise ConfigurationError(
            f"{path} is an index of version {version}, not {_VERSION}: make it again elsewhere"
        )


def _postings(number: int, fingerprint: Fingerprint) -> Postings:
    part = fingerprint.thinned(fingerprint.share * INDEXED)
    return [
        (hash_, number, time)
        for hash_, time in zip(part.hashes_H.tolist(), part.times_H.tolist(), strict=True)
    ]


def _best(hits_n2: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The items with most hits at an offset and the next one, with these, most first."""
    # one number for both, which sorts much faster than two; offsets may be negative
    keys_n = hits_n2[:, 0] * 2 * _LATEST + hits_n2[:, 1] + _LATEST
    keys_u, count_u = np.unique(keys_n, return_counts=True)
    follows_u = np.diff(keys_u, append=-1) == 1
    both_u = count_u + np.where(follows_u, np.append(count_u[1:], 0), 0)
    enough_u = both_u >= LEAST_HITS
    items_u, both_u = keys_u[enough_u] // (2 * _LATEST), both_u[enough_u]
    order_u = np.argsort(-both_u, kind="stable")
    most: dict[int, int] = {}
    for item, hits in zip(items_u[order_u].tolist(), both_u[order_u].tolist(), strict=True):
        most.setdefault(item, hits)
        if len(most) == CANDIDATES:
            break
    return list(most.items())


def _matches(fingerprint: Fingerprint, pcm_digest: str, item: IndexedItem) -> Iterator[Match]:
    found = aligned(fingerprint, item.fingerprint)
    if found is not None:
        yield Match(
            content_id=item.content_id,
            score=found.score,
            votes=found.votes,
            offset_ms=found.offset_ms,
            start_ms=found.start_ms,
            matched_ms=found.matched_ms,
            same_pcm=bool(pcm_digest) and pcm_digest == item.pcm_digest,
        )
