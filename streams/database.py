"""SQLite files that hold what can be made again: opened, or made anew where they are damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

log = structlog.get_logger()


def opened(path: Path, schema: str, *, busy_s: float = 5.0) -> sqlite3.Connection:
    """The database at `path` with the tables of `schema`; a damaged file is replaced.

    A statement waits up to `busy_s` for another process. Threads may share the connection, one at
    a time. Raises sqlite3.OperationalError where the file cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return connected(path, schema, busy_s)
    except sqlite3.OperationalError:
        raise  # it cannot be used now, which says nothing of what is in it
    except sqlite3.DatabaseError as error:
        log.warning("made again", file=path.name, reason=str(error))
        remove(path)
        return connected(path, schema, busy_s)


def connected(path: Path, schema: str, busy_s: float = 5.0) -> sqlite3.Connection:
    """The database at `path` with the tables of `schema`, as it is; sqlite3.Error if it is none."""
    database = sqlite3.connect(path, timeout=busy_s, check_same_thread=False)
    # what is deleted is gone from the file too: it was made of people's content
    # in WAL mode, NORMAL waits for the disk at checkpoints alone, and what is lost is read again
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;" + schema
    )
    return database


def kind_of(path: Path) -> tuple[int, int, int]:
    """Of the file at `path` its application id, its version, and how many tables it has.

    Raises sqlite3.OperationalError where it cannot be read now, sqlite3.DatabaseError where it is
    no database.
    """
    with closing(sqlite3.connect(path)) as database:
        (kind,), (version,), (tables,) = (
            database.execute(sql).fetchone()
            for sql in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
    return kind, version, tables


def remove(path: Path) -> None:
    """Delete the file at `path` with its journal; nothing where there is none."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
