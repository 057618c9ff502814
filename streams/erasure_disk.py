"""What the disk of this machine holds of an item: a worker's copies, and media it left behind."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from earmark.models.error import ServiceError
from earmark.processors.codec import Codec
from earmark.streams.erased_item import is_erased
from earmark.streams.settings import Settings
from earmark.streams.spool import left_behind
from earmark.streams.web.index.file import OF_ITEM
from earmark.streams.web.index.place import index_path


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskTrace:
    """What a store on disk holds of an item: nothing where `reason` is empty."""

    store: str
    reason: str = ""


def disk_traces(
    settings: Settings, cluster_id: str, receipts: Codec, item: str
) -> Iterator[DiskTrace]:
    """What stands of the item in each file below the state's folder, and in spools.

    A copy of receipts counts by what it says of the item, the index of fingerprints, wherever it
    lies, and that of the inspector by whether they have the item; any other database by whether it
    holds the item's id anywhere. What belongs to other clusters is of other items.
    """
    state, index = settings.state_folder, settings.fingerprint_index
    found: dict[str, list[str]] = {}  # why not, by folder of copies or by file
    for path in sorted(state.rglob("*.sqlite")):
        inside = path.relative_to(state)
        if path == index:
            continue
        if inside.parts[0] not in (cluster_id, path.name):
            continue
        if path.stem.isdecimal():  # the copy of a partition's receipts
            faults = found.setdefault(f"<state>/{inside.parent}", [])
            faults += filter(None, [_receipt_fault(path, receipts, item)])
        elif path == index_path(settings, cluster_id):
            found[f"<state>/{inside}"] = list(filter(None, [_inspected_fault(path, item)]))
        else:
            found[f"<state>/{inside}"] = list(filter(None, [_mention(path, item)]))
    if index.exists():
        name = f"<state>/{index.relative_to(state)}" if index.is_relative_to(state) else str(index)
        found[name] = list(filter(None, [_index_fault(index, item)]))
    for name, faults in found.items():
        yield DiskTrace(store=name, reason="; ".join(faults))
    left = left_behind()
    where = "" if not left else f"a killed worker left {left[0]}; the next worker removes it"
    yield DiskTrace(store="<temporary>/earmark-spool-*", reason=where)


def _receipt_fault(path: Path, codec: Codec, item: str) -> str:
    with _opened(path) as database:
        found = database.execute(
            "SELECT payload FROM receipts WHERE content_id = ?", (item,)
        ).fetchone()
    if found is None:
        return ""
    if is_erased(codec.decode(found[0])):
        return ""
    return (
        f"{path.name} holds a receipt with digests; where no worker has its partition any more, "
        "remove the file, which is made again"
    )


def _index_fault(path: Path, item: str) -> str:
    # by its id alone: to look for that in millions of landmarks takes minutes
    with _opened(path) as database:
        row = database.execute("SELECT 1 FROM items WHERE content_id = ?", (item,)).fetchone()
    return "" if row is None else "its fingerprint is in the index: `earmark match --remove` it"


def _inspected_fault(path: Path, item: str) -> str:
    # by its id as such: texts of others may hold the same words
    with _opened(path) as database:
        for table in OF_ITEM:
            sql = f"SELECT count(*) FROM {table} WHERE content_id = ?"  # noqa: S608  # from the list
            (count,) = database.execute(sql, (item,)).fetchone()
            if count:
                return f"{count} rows of {table} are of the item: --force deletes again"
    return ""


def _mention(path: Path, item: str) -> str:
    """Where a database holds the id, as text or within bytes."""
    with _opened(path) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            columns = database.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
            for (column,) in columns:
                sql = f'SELECT count(*) FROM "{table}" WHERE instr(CAST("{column}" AS BLOB), ?)'  # noqa: S608  # names from the file itself
                (count,) = database.execute(sql, (item.encode(),)).fetchone()
                if count:
                    return f"{count} rows of {table}.{column} hold the id: --force deletes again"
    return ""


def _opened(path: Path) -> closing[sqlite3.Connection]:
    """The file, to be read beside the worker that writes it."""
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        database.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise ServiceError(f"{path}: {error}") from error
    return closing(database)
