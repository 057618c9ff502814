"""A Parquet file as the values of content events, one row each.

Its columns are the fields of `ContentEvent`, as in JSON lines: `audio` a struct, `texts` a list of
structs, `attributes` a map or a struct. Exports of catalogues are flat, so instead of `audio` there
may be `audio_uri`, `audio_sha256`, ..., and instead of `texts` a column `text_<field>` for each
text. A null says nothing.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.models.error import ConfigurationError
from earmark.streams.content_line import AUDIO_FIELDS, EVENT_FIELDS, TEXT_FIELDS

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

BATCH_BYTES = 8_000_000  # of a batch of rows, as far as the file tells how large they are
BATCH_ROWS = 2_000
READ_BYTES = 1 << 20  # read ahead of a column
_AUDIO, _TEXT = "audio_", "text_"
_TAIL_BYTES = 8  # the length of the footer, and a magic number

Values = Mapping[str, Any]


def check_table(path: Path, *, ignore_unknown: bool) -> None:
    """Raise ConfigurationError for what is no Parquet file or has columns that events have not.

    Reads the file's footer only. `ignore_unknown` lets other columns pass.
    """
    with _opened(path) as table:
        _columns(path, table.schema_arrow, ignore_unknown=ignore_unknown)


def rows_from(path: Path, *, skip: int = 0, ignore_unknown: bool = False) -> Iterator[Values]:
    """The values that each row has, by the names of an event's fields; not the first `skip` rows.

    Memory holds a batch of rows, and of the columns what is read ahead. Raises ConfigurationError
    that names file and row.
    """
    with _opened(path) as table:
        columns = _columns(path, table.schema_arrow, ignore_unknown=ignore_unknown)
        number = skip
        for batch in _batches(path, table, columns, skip=skip):
            arrays = [column.cast(array) for column, array in zip(columns, batch, strict=True)]
            for index in range(batch.num_rows):
                number += 1
                try:
                    values = [array[index].as_py() for array in arrays]
                except ValueError as error:  # text that is no UTF-8, a time out of range
                    raise ConfigurationError(f"{path}, row {number}: {error}") from error
                yield _event_values(columns, values)


def count_rows(path: Path) -> int:
    """How many rows the file says that it has."""
    with _opened(path) as table:
        return int(table.metadata.num_rows)


def footer_digest(path: Path) -> str:
    """Names the file's content by its size and its footer, which says where each column lies."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - _TAIL_BYTES - length))
        footer = file.read(length)
    return hashlib.blake2b(footer + size.to_bytes(8, "little"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column, and what its values are: a field of the event, of its audio, or a text of it."""

    name: str
    part: str = ""  # "audio" or "texts"
    field: str
    cast: Callable[["pyarrow.Array"], "pyarrow.Array"]


def _columns(path: Path, schema: "pyarrow.Schema", *, ignore_unknown: bool) -> list[_Column]:
    if len(set(schema.names)) < len(schema.names):
        raise ConfigurationError(f"{path}: two columns have the same name")
    columns = [column for column in map(_column, schema) if column is not None]
    if "content_id" not in schema.names:
        raise ConfigurationError(f"{path}: has no column content_id")
    known = {column.name for column in columns}
    for part, flat in (("audio", f"{_AUDIO}..."), ("texts", f"{_TEXT}...")):
        if part in known and any(column.part == part for column in columns):
            raise ConfigurationError(f"{path}: has both a column {part} and columns {flat}")
    unknown = [name for name in schema.names if name not in known]
    unknown += _unknown_members(schema)
    if unknown and not ignore_unknown:
        raise ConfigurationError(
            f"{path}: columns that content events do not have: {', '.join(unknown)} "
            "(--ignore-unknown passes over them)"
        )
    return columns


def _column(field: "pyarrow.Field") -> _Column | None:
    name: str = field.name
    if name in EVENT_FIELDS:
        return _Column(
            name=name, field=name, cast=_milliseconds if name == "event_time" else _as_is
        )
    if name.removeprefix(_AUDIO) in AUDIO_FIELDS and name.startswith(_AUDIO):
        return _Column(name=name, part="audio", field=name.removeprefix(_AUDIO), cast=_as_is)
    if name.startswith(_TEXT) and name != _TEXT:
        return _Column(name=name, part="texts", field=name.removeprefix(_TEXT), cast=_as_is)
    return None


def _unknown_members(schema: "pyarrow.Schema") -> Iterator[str]:
    from pyarrow import types

    for name, known in (("audio", AUDIO_FIELDS), ("texts", TEXT_FIELDS)):
        index = schema.get_field_index(name)
        kind = schema.field(index).type if index >= 0 else None
        if kind is not None and (types.is_list(kind) or types.is_large_list(kind)):
            kind = kind.value_type
        if kind is not None and types.is_struct(kind):
            names = [kind.field(number).name for number in range(kind.num_fields)]
            yield from (f"{name}.{each}" for each in names if each not in known)


def _as_is(array: "pyarrow.Array") -> "pyarrow.Array":
    return array


def _milliseconds(array: "pyarrow.Array") -> "pyarrow.Array":
    """A time as events have it; one without a zone is taken to be UTC."""
    import pyarrow as pa

    if not pa.types.is_timestamp(array.type):
        return array
    return array.cast(pa.timestamp("ms", tz=array.type.tz), safe=False).cast(pa.int64())


def _batches(
    path: Path, table: "ParquetFile", columns: list[_Column], *, skip: int
) -> Iterator["pyarrow.RecordBatch"]:
    names = [column.name for column in columns]
    for number in range(table.num_row_groups):
        group = table.metadata.row_group(number)
        if skip >= group.num_rows:
            skip -= group.num_rows
            continue
        row_bytes = max(1, group.total_byte_size // group.num_rows)
        rows = max(1, min(BATCH_ROWS, BATCH_BYTES // row_bytes))
        with _naming(f"{path}, row group {number + 1}"):
            for batch in table.iter_batches(
                rows, row_groups=[number], columns=names, use_threads=False
            ):
                passed = min(skip, batch.num_rows)
                skip -= passed
                if passed < batch.num_rows:
                    yield batch.select(names).slice(passed)


def _event_values(columns: list[_Column], values: list[Any]) -> Values:
    found: dict[str, Any] = {}
    for column, value in zip(columns, values, strict=True):
        if value is None:
            continue
        if column.part == "audio":
            found.setdefault("audio", {})[column.field] = value
        elif column.part == "texts":
            found.setdefault("texts", []).append({"field": column.field, "text": value})
        elif (said := _said(column.field, value)) is not None:
            found[column.field] = said
    return found


def _said(field: str, value: Any) -> Any:
    """The value as JSON would have it; None for a struct of nulls."""
    if field == "attributes":
        pairs = value.items() if isinstance(value, dict) else value
        return {key: each for key, each in pairs if each is not None}
    if field == "audio" and isinstance(value, dict):
        return value if any(each is not None for each in value.values()) else None
    return value


@contextmanager
def _opened(path: Path) -> Iterator["ParquetFile"]:
    # imported here: nothing else needs it
    from pyarrow.parquet import ParquetFile

    with _naming(str(path)):
        table = ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False)
    with table:
        yield table


@contextmanager
def _naming(where: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(f"{where}: cannot be read as Parquet: {reason}") from error
