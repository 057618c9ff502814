"""Avro records to bytes and back, in Confluent's wire format.

A payload is byte 0, the four bytes of the schema id (big endian), and the Avro body. Timestamps
are integers in milliseconds on both sides.

What is read is not trusted: its size is bounded before it is decoded, a writer's schema under
which few bytes can stand for many values is refused, and bytes that are left over are an error.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, cast

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException

from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import Definition, Schema, fields_of, full_name, logical_types, plain

MAGIC = 0
HEADER_BYTES = 5  # magic and schema id
READ_BYTES = 4_194_304  # longest record that is read: inline audio and texts of several fields

Record = dict[str, Any]
WriterSchema = Callable[[int], Definition]

_HEADER = struct.Struct(">BI")
_DAMAGED = (EOFError, IndexError, ValueError, OverflowError)  # what fastavro raises on reading
UNFIT = (TypeError, ValueError, KeyError, AttributeError, OverflowError)  # and on writing


class Codec:
    """Writes and reads the records of one topic.

    `writer_schema` gives the schema of an id, raising ContentError for one that is not known;
    without it every record is taken to be written with our own schema. What was written with
    another version is resolved to ours.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        writer_schema: WriterSchema | None = None,
        longest_read: int = READ_BYTES,
    ) -> None:
        self.schema = schema
        self._ours = plain(schema.definition)
        self._parsed = parse_schema(self._ours)
        self._writer_schema = writer_schema
        self._longest_read = longest_read
        self._writers: dict[int, Any] = {}

    def encode(self, record: Mapping[str, Any], schema_id: int) -> bytes:
        """The record as a payload; a field left out takes its default.

        Raises ContentError: RECORD_INVALID where a value does not fit its field.
        """
        body = BytesIO()
        body.write(header(schema_id))
        try:
            schemaless_writer(body, self._parsed, record)
        except UNFIT as error:
            raise unfit(self.schema.topic, error) from error
        return body.getvalue()

    def decode(self, payload: bytes) -> Record:
        """The record of a payload, with our schema's fields.

        Its strings may hold lone surrogates if its writer let them pass. Raises ContentError:
        RECORD_TOO_LARGE, RECORD_UNDECODABLE, RECORD_SCHEMA_UNKNOWN, or RECORD_INVALID where the
        writer's schema lacks a field that ours needs.
        """
        writer = self._writer(self._schema_id(payload))
        # what is skipped is read where a writer has fields that we have not
        body = BytesIO(payload) if writer is self._parsed else _Whole(payload)
        body.seek(HEADER_BYTES)
        record = self._read(body, writer)
        if left := len(payload) - body.tell():
            reason = f"{left:,} bytes are left over after the record"
            raise _error(RejectionClass.RECORD_UNDECODABLE, reason)
        return record

    def _schema_id(self, payload: bytes) -> int:
        if len(payload) > self._longest_read:
            reason = f"{len(payload):,} bytes; the limit is {self._longest_read:,}"
            raise _error(RejectionClass.RECORD_TOO_LARGE, reason)
        if len(payload) < HEADER_BYTES or payload[0] != MAGIC:
            reason = "does not begin with byte 0 and a schema id"
            raise _error(RejectionClass.RECORD_UNDECODABLE, reason)
        schema_id: int = _HEADER.unpack_from(payload)[1]
        return schema_id

    def _read(self, body: BytesIO, writer: Any) -> Record:
        reader = None if writer is self._parsed else self._parsed
        try:
            record = schemaless_reader(body, writer, reader, handle_unicode_errors="surrogatepass")
        except SchemaResolutionError as error:
            raise _error(RejectionClass.RECORD_INVALID, _one_line(error)) from error
        except _DAMAGED as error:
            reason = f"not a record of {self.schema.topic}: {_one_line(error)}"
            raise _error(RejectionClass.RECORD_UNDECODABLE, reason) from error
        return cast(Record, record)  # every schema here is of a record

    def _writer(self, schema_id: int) -> Any:
        if self._writer_schema is None:
            return self._parsed
        if schema_id not in self._writers:
            self._writers[schema_id] = self._accept(schema_id, self._writer_schema(schema_id))
        return self._writers[schema_id]

    def _accept(self, schema_id: int, definition: Definition) -> Any:
        try:
            self._refuse(schema_id, next(_dangers(definition), "") or self._estranged(definition))
            is_ours = plain(definition) == self._ours
            return self._parsed if is_ours else parse_schema(plain(definition))
        except (SchemaParseException, RecursionError, *UNFIT) as error:
            self._refuse(schema_id, _one_line(error) or "cannot be parsed", error)

    def _estranged(self, definition: Definition) -> str:
        name = full_name(definition)
        if name != full_name(self.schema.definition):
            return f"it is of {name}"
        theirs = dict(fields_of(definition))
        for path, field in fields_of(self.schema.definition):
            if path in theirs and logical_types(theirs[path]) != logical_types(field):
                return f"{path} has another logical type"
        return ""

    def _refuse(self, schema_id: int, problem: str, cause: Exception | None = None) -> None:
        if problem:
            reason = f"schema {schema_id} is not one of {self.schema.topic}: {problem}"
            raise _error(RejectionClass.RECORD_SCHEMA_UNKNOWN, reason) from cause


def header(schema_id: int) -> bytes:
    """What comes before the body of a record that is written with this schema."""
    return _HEADER.pack(MAGIC, schema_id)


def unfit(topic: str, error: Exception) -> ContentError:
    """What is wrong with a record of the topic which Avro does not take."""
    reason = f"not a record of {topic}: {_one_line(error)}"
    return _error(RejectionClass.RECORD_INVALID, reason)


class _Whole(BytesIO):
    """Bytes of which one gets as many as one asks for, or EOFError.

    fastavro passes over numbers without a look at whether they are there: an array that claims
    2^60 of them would be passed over for years.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes."""
        data = super().read(size)
        if size is None or len(data) != size:
            raise EOFError(f"{size} bytes were wanted, {len(data)} are left")
        return data


def _dangers(schema: Any, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """What would let a short record take long to read.

    Where every value takes a byte, and none holds its own kind, reading is bounded by the size of
    the record: an array of nulls stands for 2^62 values in ten bytes, and a list in a list in a
    list ends on the stack.
    """
    match schema:
        case list():
            for branch in schema:
                yield from _dangers(branch, inside) if branch != "null" else ()
        case {"type": "record" | "error", "name": name, "fields": fields}:
            if not fields:
                yield f"{name} has no fields"
            for field in fields:
                yield from _dangers(field["type"], (*inside, _last(name)))
        case {"type": "array", "items": within} | {"type": "map", "values": within}:
            yield from _dangers(within, inside)
        case {"type": "fixed", "size": int(size)} if size < 1:
            yield "a fixed type has no bytes"
        case {"type": within} if within not in ("enum", "fixed"):
            yield from _dangers(within, inside)
        case "null":
            yield "a null stands outside of a union"
        case str() if _last(schema) in inside:
            yield f"{schema} holds itself"


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _error(rejection_class: RejectionClass, reason: str) -> ContentError:
    return ContentError(rejection_class, reason, part="record")
