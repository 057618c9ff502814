"""Records of a topic as columns of Arrow: one for each field of its Avro schema.

Maps stay maps, lists lists, nested records structs, bytes binary; times in milliseconds become
timestamps in UTC. Before them stand where the record lies in Kafka, and whether it is a deletion,
which has no fields: every column of a field may be null.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from earmark.models.error import ConfigurationError
from earmark.processors.schema import schema_of
from earmark.streams.subscription.name import holds_bytes, live_topic
from earmark.streams.subscription.received import ReceivedSignal

_UTC_MS = pa.timestamp("ms", tz="UTC")
_PLACE: Mapping[str, tuple[pa.DataType, Callable[[ReceivedSignal], Any]]] = {
    "kafka_key": (pa.string(), lambda it: it.key),
    "kafka_partition": (pa.int32(), lambda it: it.partition),
    "kafka_offset": (pa.int64(), lambda it: it.offset),
    "kafka_timestamp": (_UTC_MS, lambda it: it.timestamp),
    "kafka_deleted": (pa.bool_(), lambda it: it.deleted),
}
_PLAIN = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "bytes": pa.binary(),
    "enum": pa.string(),
}
_LOGICAL = {
    "timestamp-millis": _UTC_MS,
    "timestamp-micros": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}

Fitting = Callable[[Any], Any]


@cache
def arrow_schema(topic: str) -> pa.Schema:
    """The columns of the topic's records.

    Raises ConfigurationError where they have no schema, or one that has no columns.
    """
    if holds_bytes(topic):
        raise ConfigurationError(f"{topic} holds any bytes, which have no columns")
    avro = schema_of(live_topic(topic))
    types = _Types()
    fields = [pa.field(name, kind, nullable=False) for name, (kind, _) in _PLACE.items()]
    for field in avro.definition["fields"]:
        fields.append(types.field(field["name"], field["type"]).with_nullable(True))
    return pa.schema(fields, metadata={"earmark.topic": topic, "earmark.schema": avro.path})


def columns(topic: str, signals: Sequence[ReceivedSignal]) -> pa.RecordBatch:
    """The records as columns, in order."""
    schema = arrow_schema(topic)
    arrays = [pa.array([of(it) for it in signals], kind) for kind, of in _PLACE.values()]
    for field in list(schema)[len(_PLACE) :]:
        arrays.append(_column([it.record.get(field.name) for it in signals], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if (fitting := _fitting(kind)) is not None:
        values = [fitting(value) for value in values]
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # a lone half of a surrogate pair, which a writer let pass
        return pa.array([_written(value) for value in values], kind)


class _Types:
    """The types of one schema's fields; records are named where they first stand."""

    def __init__(self) -> None:
        self._named: dict[str, pa.DataType] = dict(_PLAIN)

    def field(self, name: str, avro: Any) -> pa.Field:
        """A field of this type, that may be null where that is a union with null."""
        branches = avro if isinstance(avro, list) else [avro]
        kinds = [branch for branch in branches if branch != "null"]
        if len(kinds) != 1:
            raise ConfigurationError(f"{name}: {avro!r} has no column")
        return pa.field(name, self._of(name, kinds[0]), nullable="null" in branches)

    def _of(self, name: str, avro: Any) -> pa.DataType:
        if isinstance(avro, str):
            if avro not in self._named:
                raise ConfigurationError(f"{name}: {avro!r} has no column")
            return self._named[avro]
        if (logical := avro.get("logicalType")) in _LOGICAL:
            return _LOGICAL[logical]
        made = self._complex(name, avro)
        if "name" in avro:
            self._named[avro["name"]] = made
        return made

    def _complex(self, name: str, avro: Mapping[str, Any]) -> pa.DataType:
        match avro["type"]:
            case "array":
                return pa.list_(self.field("item", avro["items"]))
            case "map":
                return pa.map_(pa.string(), self.field("value", avro["values"]))
            case "record":
                return pa.struct([self.field(it["name"], it["type"]) for it in avro["fields"]])
            case "fixed":
                return pa.binary(avro["size"])
            case inner:
                return self._of(name, inner)


def _fitting(kind: pa.DataType) -> Fitting | None:
    """What brings a value into the form that Arrow takes; None where it is in it already."""
    if pa.types.is_map(kind):
        inner = _fitting(kind.item_type) or _same
        return lambda value: value and [(name, inner(part)) for name, part in value.items()]
    if pa.types.is_list(kind) and (inner_list := _fitting(kind.value_type)):
        return lambda value: value and [inner_list(part) for part in value]
    if pa.types.is_struct(kind):
        return _fitting_struct(kind)
    return None


def _fitting_struct(kind: pa.StructType) -> Fitting | None:
    parts = {field.name: _fitting(field.type) for field in kind}
    if not any(parts.values()):
        return None
    whole = {name: fitting or _same for name, fitting in parts.items()}
    return lambda value: value and {name: whole[name](value[name]) for name in whole}


def _same(value: Any) -> Any:
    return value


def _written(value: Any) -> Any:
    """The value with signs in the place of what is no Unicode."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            return {name: _written(part) for name, part in value.items()}
        case list():
            return [_written(part) for part in value]
        case tuple():
            return tuple(_written(part) for part in value)
        case _:
            return value
