"""The crash ledger: which events were in flight when this worker died, and how often.

An event that kills the process (a fault in native code, memory without end) is read again by the
next one, and kills that too. So what is taken up is written down before it begins and struck out
when it is answered: what is found at a start was in flight at a death. All of it is suspect, and
what was there at one death after the other is taken up alone. So the last death names the culprit,
which from then on goes to the dead letters untouched.

The ledger protects the worker and must never be what stops it: where its file cannot be used, it
goes on in memory and says so in the log.
"""

import fcntl
import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

import structlog

from earmark.streams.settings import Settings

log = structlog.get_logger()

CRASHES = 3  # deaths of the process after which an event is condemned
TAKEN = "another worker of this group has it here: each needs its own --slot, or one ends the other"
MOST_SUSPECTS = 10_000  # the least and the oldest suspects beyond it are forgotten at a start

_SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
  topic TEXT, partition INTEGER, offset INTEGER, crashes INTEGER, aboard INTEGER,
  UNIQUE (topic, partition, offset)
);
"""
_OF_PLACE = "topic = ? AND partition = ? AND offset = ?"


class Place(NamedTuple):
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


def ledger_path(settings: Settings) -> Path:
    """The ledger of this worker: one for each slot of a group."""
    name = quote(f"{settings.kafka.group_id}-{settings.kafka.slot}", safe="")  # may have slashes
    return settings.state_folder / "crashes" / f"{name}.sqlite"


class CrashLedger:
    """The ledger in the file `path`; opening it counts the death of the process before, if it died.

    `crashes` is the number of deaths from which a place is condemned, at least 1. For one thread.
    Each call that changes something is one small write, however many places it is given. A second
    process on the same file goes on in memory: what the first has in flight killed nobody.
    """

    def __init__(self, path: Path, *, crashes: int = CRASHES) -> None:
        self._crashes = crashes
        self._aboard: set[Place] = set()
        self._claim = _claimed(path)
        self._database = _opened(path) if self._claim is not None else _connected(":memory:")
        self._counts = _counts(self._database)
        if self._counts:
            log.warning("suspects", events=len(self._counts), most=max(self._counts.values()))

    @property
    def in_flight(self) -> int:
        """How many places are taken up and neither settled nor abandoned."""
        return len(self._aboard)

    def suspects(self) -> frozenset[Place]:
        """What was in flight at a death and has not been settled since."""
        return frozenset(self._counts)

    def suspected(self, place: Place) -> bool:
        """Whether one more death condemns `place`: it is to be taken up with nothing else.

        Then that death is its own doing, while the first ones may have been anyone's.
        """
        return self._counts.get(place, 0) >= self._crashes - 1 > 0

    def condemned(self, place: Place) -> bool:
        """Whether `place` was there at so many deaths that it must not be touched again."""
        return self._counts.get(place, 0) >= self._crashes

    def take_up(self, places: Collection[Place]) -> None:
        """Write down what is about to begin."""
        self._aboard.update(places)
        self._write(
            "INSERT INTO places VALUES (?, ?, ?, 0, 1) "
            "ON CONFLICT (topic, partition, offset) DO UPDATE SET aboard = 1",
            places,
        )

    def settle(self, places: Collection[Place]) -> None:
        """Forget what is committed.

        Offsets are committed in order. So a suspect of the same partition that lies before and is
        not in flight was answered as well, here just before a death or by another worker.
        """
        settled = {*places, *self._passed_by(places)}
        self._aboard -= settled
        if self._counts:
            for place in settled:
                self._counts.pop(place, None)
        self._write(f"DELETE FROM places WHERE {_OF_PLACE}", settled)  # noqa: S608  # a constant

    def abandon(self, places: Collection[Place] | None = None) -> None:
        """Put back, in good order, what is not committed (by default all that is in flight).

        It has killed nobody this time; what it was suspected of before, it still is.
        """
        back = set(self._aboard if places is None else places)
        self._aboard -= back
        suspected = {place for place in back if place in self._counts}
        self._write(f"UPDATE places SET aboard = 0 WHERE {_OF_PLACE}", suspected)  # noqa: S608
        self._write(f"DELETE FROM places WHERE {_OF_PLACE}", back - suspected)  # noqa: S608

    def close(self) -> None:
        """Close the file. What is still in flight counts as a death at the next start."""
        self._database.close()
        if self._claim is not None:
            self._claim.close()

    def _passed_by(self, places: Iterable[Place]) -> list[Place]:
        if not self._counts:
            return []
        last: dict[tuple[str, int], int] = {}
        for topic, partition, offset in places:
            last[topic, partition] = max(last.get((topic, partition), -1), offset)
        return [
            suspect
            for suspect in self._counts.keys() - self._aboard
            if suspect.offset < last.get((suspect.topic, suspect.partition), -1)
        ]

    def _write(self, statement: str, places: Collection[Place]) -> None:
        if not places:
            return
        try:
            with self._database:
                self._database.executemany(statement, places)
        except sqlite3.Error as error:  # the disk is full, or gone
            log.warning("crash ledger off", reason=str(error))
            self._database.close()
            self._database = _connected(":memory:")


def _claimed(path: Path) -> IO[str] | None:
    """A lock of the kernel on the ledger, which ends with the process; None if it is not to be had.

    The lock has a file of its own, since the ledger's may be set aside.
    """
    claim: IO[str] | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        claim = path.with_suffix(".lock").open("w")
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError):
            log.warning("slot taken", file=str(path), reason=TAKEN)
        else:
            log.warning("crash ledger off", file=str(path), reason=error.strerror)
        if claim is not None:
            claim.close()
        return None
    return claim


def _opened(path: Path) -> sqlite3.Connection:
    """The ledger of `path`, with the death before this start counted; if need be, a new one."""
    try:
        return _recounted(path)
    except sqlite3.DatabaseError as error:
        log.warning("crash ledger set aside", file=path.name, reason=str(error))
    try:
        _set_aside(path)
        return _recounted(path)
    except (sqlite3.DatabaseError, OSError) as error:
        log.warning("crash ledger off", file=str(path), reason=str(error))
        return _connected(":memory:")


def _set_aside(path: Path) -> None:
    """Keep a damaged ledger as `<name>.corrupt`, the last one only.

    The write-ahead log that it may leave is removed by SQLite itself, where it begins a new file.
    """
    path.replace(path.with_name(path.name + ".corrupt"))


def _recounted(path: Path) -> sqlite3.Connection:
    database = _connected(path)
    try:
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        with database:
            database.execute("UPDATE places SET crashes = crashes + 1, aboard = 0 WHERE aboard = 1")
            database.execute(
                "DELETE FROM places WHERE rowid NOT IN (SELECT rowid FROM places "
                "ORDER BY crashes DESC, rowid DESC LIMIT ?)",
                (MOST_SUSPECTS,),
            )
    except sqlite3.Error:
        database.close()
        raise
    return database


def _connected(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        # What is written is with the kernel and outlives a kill -9. With NORMAL, in WAL mode, a
        # loss of power can undo the last writes: that death was no event's doing anyhow.
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _counts(database: sqlite3.Connection) -> dict[Place, int]:
    rows = database.execute("SELECT topic, partition, offset, crashes FROM places")
    return {Place(topic, partition, offset): crashes for topic, partition, offset, crashes in rows}
