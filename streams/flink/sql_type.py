"""Avro types as Flink SQL writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from earmark.models.error import ConfigurationError

# an array literal has at least one element
NO_NAMES = "CAST(ARRAY_REMOVE(ARRAY['-'], '-') AS ARRAY<STRING NOT NULL>)"

_PRIMITIVES = {
    "boolean": "BOOLEAN",
    "bytes": "BYTES",
    "double": "DOUBLE",
    "float": "FLOAT",
    "int": "INT",
    "long": "BIGINT",
    "string": "STRING",
}


def sql_type(avro: Any) -> str:
    """The Flink SQL type of an Avro type, with NOT NULL where that takes no null.

    Raises ConfigurationError for what Flink does not read: enums, and unions but those with null.
    """
    if isinstance(avro, list):
        kinds = [branch for branch in avro if branch != "null"]
        if len(kinds) != 1 or len(kinds) == len(avro):
            raise ConfigurationError(f"Flink SQL has no type for the union {avro}")
        return sql_type(kinds[0]).removesuffix(" NOT NULL")
    return f"{_bare(avro)} NOT NULL"


def columns(fields: Iterable[Mapping[str, Any]]) -> str:
    """Fields of an Avro record as columns of a table, or of a ROW type."""
    return ", ".join(f"{quoted(field['name'])} {sql_type(field['type'])}" for field in fields)


def quoted(name: str) -> str:
    """A name, which may be one of SQL's own words."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A string as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def string(value: str) -> str:
    """The same of the type STRING: a literal alone is as long as it is, and padded to be longer."""
    return f"CAST({text(value)} AS STRING)"


def _bare(avro: Any) -> str:
    match avro:
        case {"logicalType": "timestamp-millis"}:
            return "TIMESTAMP(3)"
        case {"type": "record", "fields": fields}:
            return f"ROW<{columns(fields)}>"
        case {"type": "array", "items": items}:
            return f"ARRAY<{sql_type(items)}>"
        case {"type": "map", "values": values}:
            return f"MAP<STRING NOT NULL, {sql_type(values)}>"
        case {"type": str(name)} | str(name) if name in _PRIMITIVES:
            return _PRIMITIVES[name]
    raise ConfigurationError(f"Flink SQL has no type for {avro}")
