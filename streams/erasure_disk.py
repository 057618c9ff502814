"""What the disk of this machine holds of an item: a worker's copies, and media it left behind."""

import re
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

# tables of ours that know no items: how far a topic was read, places in flight, what was asked
WITHOUT_ITEMS = frozenset({"positions", "facts", "places", "said"})


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
    lies, and that of the inspector by whether they have the item; any other database by whether a
    row is of it, or names it. What belongs to other clusters is of other items.
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
    """Where a database has rows of the item, or what names it.

    A table that says of which item each row is, is asked for that alone: ids begin as others do,
    and short ones stand in many a word. Elsewhere an id counts where it stands by itself.
    """
    with _opened(path) as database:
        database.create_function("names", 2, _names, deterministic=True)
        for table, columns in _tables(database):
            is_told = "content_id" in columns
            for column in ["content_id"] if is_told else columns:
                holds = f'"{column}" = ?' if is_told else f'names("{column}", ?)'
                sql = f'SELECT count(*) FROM "{table}" WHERE {holds}'  # noqa: S608  # names from the file itself
                (count,) = database.execute(sql, (item,)).fetchone()
                if count:
                    return f"{count} rows of {table}.{column} hold the id: --force deletes again"
    return ""


def _tables(database: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Those that may know of items, with their columns."""
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        if table not in WITHOUT_ITEMS:
            columns = database.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
            yield table, [column for (column,) in columns]


def _names(value: object, item: str) -> bool:
    """Whether a text, or bytes such as those of Avro, hold the id by itself."""
    held = value.encode() if isinstance(value, str) else value
    if not isinstance(held, bytes):
        return False
    name = item.encode()
    avro = _length(len(name)) + name
    alone = rb"(?<![\w.:/-])" + re.escape(name) + rb"(?![\w.:/-])"
    return avro in held or re.search(alone, held) is not None


def _length(count: int) -> bytes:
    """As Avro writes it before a string: zigzag, seven bits in a byte, the lowest first."""
    left, written = 2 * count, bytearray()
    while left > 0x7F:  # noqa: PLR2004  # what seven bits hold
        written.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*written, left])


def _opened(path: Path) -> closing[sqlite3.Connection]:
    """The file, to be read beside the worker that writes it."""
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        database.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise ServiceError(f"{path}: {error}") from error
    return closing(database)
