"""Schemas that other writers of content events might have, hostile ones too, and their records.

Whoever may write to a registry may enter them, and whoever may write to the topic may name their
ids. Each comes of our own schema by a few edits; JSON files of one's own are tried as they are.
"""

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_writer
from fastavro.schema import SchemaParseException

from earmark.processors.error import ConfigurationError
from earmark.processors.schema import CONTENT_EVENTS, Schema, plain, schema_of
from earmark.streams.chaos.inputs_mutation import Random, pick
from earmark.streams.chaos.inputs_seed import Seed
from earmark.streams.registry import Registry

MOST_EDITS = 4  # of one schema
DEEP = 200  # arrays in arrays: beyond what a recursive reader should be sent into
_MOST_ITEMS = 3
_MOST_FIXED_BYTES = 1_000
_DEEPEST = 5  # records in records that are written
_UNWRITABLE = (
    SchemaParseException,
    RecursionError,
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
)

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSchema:
    """A schema that the registry took, and the id that it gave."""

    schema_id: int
    definition: Json = field(repr=False)


def edited(random: Random) -> Json:
    """The schema of content events after one to four edits."""
    definition: Json = copy.deepcopy(schema_of(CONTENT_EVENTS).definition)
    for _ in range(random.integers(1, MOST_EDITS + 1)):
        pick(random, _EDITS)(random, definition)
    return definition


def schemas_in(files: Iterable[Seed]) -> list[Json]:
    """What of these files is JSON, and so may be a schema."""
    found = []
    for file in files:
        try:
            found.append(json.loads(file.data))
        except (ValueError, RecursionError):
            continue
    return found


def registered(registry: Registry, definitions: Iterable[Json]) -> list[WriterSchema]:
    """Those that the registry takes, each in a subject of its own."""
    taken = []
    for number, definition in enumerate(definitions):
        schema = Schema(
            path="", topic=f"inputs.{number}.v1", major=1, minor=0, text=json.dumps(definition)
        )
        try:
            schema_id = registry.register(schema)
        except ConfigurationError:
            continue  # it is no schema by the registry's rules
        taken.append(WriterSchema(schema_id=schema_id, definition=definition))
    return taken


def body(random: Random, definition: Json, record: Mapping[str, object]) -> bytes | None:
    """A record by the definition, with the values of `record` where they fit; None if none can be.

    It is the Avro body alone, without magic and schema id.
    """
    out = BytesIO()
    try:
        named: dict[str, Json] = {}
        parsed = parse_schema(plain(definition))
        value = _value(random, definition, named, 0)
        if isinstance(value, dict):
            value |= {name: record[name] for name in value.keys() & record.keys()}
        try:
            schemaless_writer(out, parsed, value)
        except _UNWRITABLE:
            out = BytesIO()
            schemaless_writer(out, parsed, _value(random, definition, named, 0))
    except _UNWRITABLE:
        return None
    return out.getvalue()


def _retype(random: Random, definition: Json) -> None:
    _any_field(random, definition)["type"] = copy.deepcopy(pick(random, _TYPES))


def _add(random: Random, definition: Json) -> None:
    fields = definition["fields"]
    new = {"name": f"more_{len(fields)}", "type": copy.deepcopy(pick(random, _TYPES))}
    fields.insert(int(random.integers(0, len(fields) + 1)), new)


def _drop(random: Random, definition: Json) -> None:
    fields = definition["fields"]
    if len(fields) > 1:
        fields.remove(_any_field(random, definition))


def _reorder(random: Random, definition: Json) -> None:
    order = random.permutation(len(definition["fields"])).tolist()
    definition["fields"] = [definition["fields"][place] for place in order]


def _rename(random: Random, definition: Json) -> None:
    _any_field(random, definition)["name"] += "_of_another"


def _rename_record(_: Random, definition: Json) -> None:
    definition["name"] = "OtherEvent"


def _lose_defaults(_: Random, definition: Json) -> None:
    for each in definition["fields"]:
        each.pop("default", None)


_EDITS: tuple[Callable[[Random, Json], None], ...] = (
    *(_retype, _retype, _retype, _add, _add, _add),
    *(_drop, _reorder, _rename, _rename_record, _lose_defaults),
)


def _nested(depth: int) -> Json:
    schema: Json = "string"
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


_TYPES: tuple[Json, ...] = (
    *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
    ["null", "string"],
    ["string", "null", "long"],
    ["null", "ContentEvent"],  # holds itself
    {"type": "array", "items": "null"},
    {"type": "array", "items": "ContentEvent"},
    {"type": "array", "items": ["null", "long"]},
    {"type": "map", "values": {"type": "array", "items": "double"}},
    {"type": "map", "values": "null"},
    {"type": "fixed", "name": "Sixteen", "size": 16},
    {"type": "fixed", "name": "Vast", "size": 2**31 - 1},
    {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN"]},
    {"type": "record", "name": "Empty", "fields": []},
    {"type": "record", "name": "Pair", "fields": [{"name": "one", "type": "string"}]},
    _nested(3),
    _nested(DEEP),
)


def _any_field(random: Random, definition: Json) -> Json:
    """A field of the event, or of the records in it."""
    return pick(random, definition["fields"])


def _value(random: Random, schema: Json, named: dict[str, Json], depth: int) -> Any:
    """A value that the schema allows; KeyError for a name that it does not define."""
    if isinstance(schema, list):
        return _value(random, pick(random, schema), named, depth)
    if not isinstance(schema, str):
        return _made(random, schema, named, depth)
    if schema in _PLAIN:
        return _PLAIN[schema](random)
    return _made(random, named[schema], named, depth + 1)


def _made(random: Random, schema: Json, named: dict[str, Json], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if "name" in schema:
        named[schema["name"]] = schema
    several = range(int(random.integers(0, _MOST_ITEMS)))
    match schema:
        case {"type": "record" | "error", "fields": fields}:
            value: Any = {f["name"]: _value(random, f["type"], named, depth) for f in fields}
        case {"type": "array", "items": within}:
            value = [_value(random, within, named, depth + 1) for _ in several]
        case {"type": "map", "values": within}:
            value = {f"key {n}": _value(random, within, named, depth + 1) for n in several}
        case {"type": "fixed", "size": size}:
            value = random.bytes(min(size, _MOST_FIXED_BYTES))
        case {"type": "enum", "symbols": symbols}:
            value = pick(random, symbols)
        case _:
            value = _value(random, schema["type"], named, depth)
    return value


_PLAIN: Mapping[str, Callable[[Random], Any]] = {
    "null": lambda _: None,
    "boolean": lambda random: bool(random.integers(0, 2)),
    "int": lambda random: int(random.integers(-(2**31), 2**31)),
    "long": lambda random: int(random.integers(-(2**62), 2**62)),
    "float": lambda random: float(random.normal()),
    "double": lambda random: float(random.normal() * 1e300),
    "bytes": lambda random: random.bytes(int(random.integers(0, 50))),
    "string": lambda random: "a" * int(random.integers(0, 50)),
}
