"""The rules that schemas keep, so that what one version has written every other version reads.

A registry's check lets pass that a default, a unit of time or the meaning of a string changes, so
the check is here: Avro's own rules both ways between all versions of a topic, and ours on top.
Every function yields findings, one line each.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.schema import (
    Schema,
    fields_of,
    full_name,
    logical_types,
    newest,
    type_nodes,
)

ENVELOPE_END = "provenance"  # the last field of the envelope that all signals begin with
LOGICAL_TYPES = {"timestamp-millis"}  # what Flink maps

_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_PASCAL = re.compile(r"([A-Z][a-z0-9]+)+")


def compatibility_findings(schemas: Sequence[Schema]) -> Iterator[str]:
    """Every break of a rule in the schemas, which hold all versions of each topic in order.

    Raises ConfigurationError where the package avro is not installed, or a file is no Avro schema.
    """
    for schema in schemas:
        yield from _of_one(schema)
    for topic in newest(schemas):
        versions = [schema for schema in schemas if schema.topic == topic]
        yield from _of_numbers(versions)
        for older, newer in combinations(versions, 2):
            yield from _unreadable(older, newer)
            yield from _changed(older, newer)
        for older, newer in pairwise(versions):
            yield from _without_a_field(older, newer)
    yield from _envelopes([schema for schema in newest(schemas).values() if schema.is_signal])


def _of_one(schema: Schema) -> Iterator[str]:
    _parse(schema)
    for record in _records(schema.definition):
        name = record["name"].rpartition(".")[2]
        if not record.get("doc"):
            yield f"{schema.path}: record {name} has no doc"
        if not _PASCAL.fullmatch(name):
            yield f"{schema.path}: record {name} is not in PascalCase"
    for path, field in fields_of(schema.definition):
        for problem in _of_field(field):
            yield f"{schema.path}: {path} {problem}"
    if schema.is_signal:
        yield from _own_defaults(schema)


def _of_field(field: Mapping[str, Any]) -> Iterator[str]:
    if not field.get("doc"):
        yield "has no doc"
    if not _SNAKE.fullmatch(field["name"]):
        yield "is not in snake_case"
    if any(
        isinstance(node, Mapping) and node["type"] == "enum" for node in type_nodes(field["type"])
    ):
        yield "is an enum: use a string with documented values"
    if strange := set(logical_types(field)) - LOGICAL_TYPES:
        yield f"has the logical type {strange.pop()}: use timestamp-millis or a plain number"
    match field["type"]:
        case ["null", _]:
            if field.get("default", ...) is not None:
                yield "may be null, so its default should be null"
        case list():
            yield "is a union other than null and one type, null first"
    missing = [value for value in field.get("values", []) if value not in field.get("doc", "")]
    if missing:
        yield f"has the value {missing[0]}, which its doc does not name"


def _own_defaults(schema: Schema) -> Iterator[str]:
    """An ABSTAINED record holds the envelope alone: the rest is null or empty by default."""
    names = [field["name"] for field in schema.definition["fields"]]
    if ENVELOPE_END not in names:
        yield f"{schema.path}: has no field {ENVELOPE_END}"
        return
    for field in schema.definition["fields"][names.index(ENVELOPE_END) + 1 :]:
        if field.get("default", ...) not in (None, [], {}):
            yield f"{schema.path}: {field['name']} should be null or empty by default"


def _of_numbers(versions: Sequence[Schema]) -> Iterator[str]:
    for number, schema in enumerate(versions):
        if schema.minor != number:
            yield f"{schema.path}: version {schema.major}.{number} of {schema.topic} is missing"


def _unreadable(older: Schema, newer: Schema) -> Iterator[str]:
    """Avro's schema resolution, both ways, and names, which it compares without namespaces."""
    if full_name(older.definition) != full_name(newer.definition):
        yield f"{newer.path}: is of another record than {older.path}"
    for reader, writer in ((newer, older), (older, newer)):
        for problem in resolution_problems(reader, writer):
            yield f"{reader.path} cannot read {writer.path}: {problem}"


def resolution_problems(reader: Schema, writer: Schema) -> list[str]:
    """Why one who reads with `reader` cannot read what `writer` wrote; none: one can.

    Raises ConfigurationError where the package avro is not installed, or a file is no Avro schema.
    """
    compatibility = _avro().compatibility
    result = compatibility.ReaderWriterCompatibilityChecker().get_compatibility(
        _parse(reader), _parse(writer)
    )
    if result.compatibility is compatibility.SchemaCompatibilityType.compatible:
        return []
    return [f"{', '.join(sorted(result.messages))} at {', '.join(sorted(result.locations))}"]


def _changed(older: Schema, newer: Schema) -> Iterator[str]:
    """What Avro lets pass and readers do not survive."""
    before, after = dict(fields_of(older.definition)), dict(fields_of(newer.definition))
    for path in before.keys() & after.keys():
        for what, value in said(before[path]).items():
            if value != said(after[path])[what]:
                yield f"{newer.path}: {path} has another {what} than in {older.path}"
    for path in before.keys() - after.keys():
        yield f"{newer.path}: {path} of {older.path} is gone"


def said(field: Mapping[str, Any]) -> dict[str, object]:
    """What a field says that no later version may say otherwise, by the word for it."""
    return {
        "type": _shape(field["type"]),
        "logical type": logical_types(field),
        "default": field.get("default", "none"),
        "list of values": field.get("values"),
    }


def _shape(schema: Any) -> Any:
    """The type down to the next record, whose fields are compared one by one."""
    match schema:
        case list():
            return [_shape(branch) for branch in schema]
        case {"type": "record"}:
            return full_name(schema)
        case {"type": "array", "items": within}:
            return ["array of", _shape(within)]
        case {"type": "map", "values": within}:
            return ["map of", _shape(within)]
        case {"type": within}:
            return _shape(within)
    return schema


def _without_a_field(older: Schema, newer: Schema) -> Iterator[str]:
    """A registry answers the old id where docs alone differ: the new words would reach nobody."""
    before, after = dict(fields_of(older.definition)), dict(fields_of(newer.definition))
    if before.keys() == after.keys():
        yield f"{newer.path}: adds no field to {older.path}; docs change only together with one"


def _envelopes(signals: Sequence[Schema]) -> Iterator[str]:
    for schema in signals[1:]:
        if differing := _differing(_envelope(signals[0]), _envelope(schema)):
            yield (
                f"{schema.path}: the envelope differs from that of {signals[0].path} "
                f"in {', '.join(differing)}"
            )


def _envelope(schema: Schema) -> dict[str, object]:
    fields = schema.definition["fields"]
    names = [field["name"] for field in fields]
    ends = names.index(ENVELOPE_END) + 1 if ENVELOPE_END in names else 0
    return dict(fields_of({"type": "record", "fields": fields[:ends]})) | {"order": names[:ends]}


def _differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _records(schema: Any) -> Iterator[Mapping[str, Any]]:
    for node in type_nodes(schema):
        if isinstance(node, Mapping) and node.get("type") == "record":
            yield node
            for field in node["fields"]:
                yield from _records(field["type"])


def _parse(schema: Schema) -> Any:
    avro = _avro()
    try:
        return avro.schema.parse(schema.text)
    except avro.errors.AvroException as error:
        raise ConfigurationError(f"{schema.path}: {' '.join(str(error).split())}") from error


def _avro() -> Any:
    try:
        import avro.compatibility
        import avro.errors
        import avro.schema
    except ImportError as error:
        raise ConfigurationError(
            "checking schemas needs the package avro: install earmark[dev] or earmark[flink]"
        ) from error
    return avro
