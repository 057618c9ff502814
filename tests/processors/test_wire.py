"""Reading what others wrote: other versions are resolved, traps are refused."""

import json
import time
from copy import deepcopy
from io import BytesIO
from typing import Any

import fastavro
import pytest

from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import CONTENT_EVENTS, schema_of
from earmark.processors.wire import READ_BYTES, Codec

OURS: dict[str, Any] = json.loads(schema_of(CONTENT_EVENTS).text)
EVENT = {
    "event_id": "e",
    "content_id": "c",
    "revision": 1,
    "content_type": "TRACK",
    "change": "CREATED",
    "event_time": 1_793_440_800_123,
}
ITEMS = {"type": "array", "items": "null"}
SIXTEEN = {"type": "fixed", "name": "Sixteen", "size": 16}


def theirs(*more: dict[str, Any], without: str = "", **changed: object) -> dict[str, Any]:
    """Our schema as another writer might have it."""
    schema = deepcopy(OURS)
    kept = [field for field in schema["fields"] if field["name"] != without]
    schema["fields"] = [
        field | {"type": changed.get(field["name"], field["type"])} for field in kept
    ] + list(more)
    return schema


def decode(schema: dict[str, Any], payload: bytes) -> dict[str, Any]:
    return Codec(schema_of(CONTENT_EVENTS), writer_schema=lambda _: schema).decode(payload)


def written(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    body = BytesIO(b"\0\0\0\0\7")
    body.seek(5)
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), record)
    return body.getvalue()


def rejection_class(schema: dict[str, Any], payload: bytes) -> RejectionClass:
    with pytest.raises(ContentError) as caught:
        decode(schema, payload)
    assert caught.value.part == "record"
    return caught.value.rejection_class


def test_what_a_newer_writer_adds_is_left_out() -> None:
    schema = theirs({"name": "mood", "type": "string"})
    assert "mood" not in decode(schema, written(schema, EVENT | {"mood": "sad"}))


def test_what_an_older_writer_lacks_takes_its_default() -> None:
    schema = theirs(without="texts")
    assert decode(schema, written(schema, EVENT))["texts"] == []


def test_what_a_writer_lacks_without_default_is_invalid() -> None:
    schema = theirs(without="content_id")
    assert rejection_class(schema, written(schema, EVENT)) is RejectionClass.RECORD_INVALID


def test_times_are_milliseconds() -> None:
    assert decode(OURS, written(OURS, EVENT))["event_time"] == EVENT["event_time"]


def test_a_record_of_another_kind_is_refused() -> None:
    schema = theirs() | {"name": "Order"}
    assert rejection_class(schema, written(schema, EVENT)) is RejectionClass.RECORD_SCHEMA_UNKNOWN


def test_a_time_in_another_unit_is_refused() -> None:
    schema = theirs(event_time={"type": "long", "logicalType": "timestamp-micros"})
    assert rejection_class(schema, written(schema, EVENT)) is RejectionClass.RECORD_SCHEMA_UNKNOWN


def test_an_id_that_nobody_knows_is_the_records_fault() -> None:
    def unknown(schema_id: int) -> dict[str, Any]:
        raise ContentError(RejectionClass.RECORD_SCHEMA_UNKNOWN, str(schema_id), part="record")

    with pytest.raises(ContentError, match="7"):
        Codec(schema_of(CONTENT_EVENTS), writer_schema=unknown).decode(written(OURS, EVENT))


@pytest.mark.parametrize(
    "kind",
    [
        ITEMS,
        {"type": "array", "items": {"type": "record", "name": "Nothing", "fields": []}},
        {"type": "array", "items": {"type": "fixed", "name": "None", "size": 0}},
        {"type": "map", "values": {"type": "null"}},
        ["null", {"type": "record", "name": "Deep", "fields": [
            {"name": "deeper", "type": ["null", "Deep"]}]}],
        {"type": "no such type"},
    ],
    ids=["array of null", "empty record", "empty fixed", "map of null", "recursion", "no type"],
)  # fmt: skip
def test_a_schema_under_which_few_bytes_are_many_values_is_refused(kind: Any) -> None:
    schema = theirs({"name": "bomb", "type": kind})
    payload = written(OURS, EVENT) + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00"
    started = time.perf_counter()
    assert rejection_class(schema, payload) is RejectionClass.RECORD_SCHEMA_UNKNOWN
    assert time.perf_counter() - started < 1


def test_a_schema_too_deep_to_walk_is_refused() -> None:
    kind: Any = "string"
    for _ in range(100_000):
        kind = {"type": "array", "items": kind}
    schema = OURS | {"fields": [{"name": "deep", "type": kind}]}
    assert rejection_class(schema, written(OURS, EVENT)) is RejectionClass.RECORD_SCHEMA_UNKNOWN


@pytest.mark.parametrize("payload", [b"", b"\0\0\0\0", b"\1\0\0\0\7abc", b'{"content_id": "c"}'])
def test_what_has_no_frame_is_undecodable(payload: bytes) -> None:
    assert rejection_class(OURS, payload) is RejectionClass.RECORD_UNDECODABLE


def test_bytes_after_the_record_are_undecodable() -> None:
    payload = written(OURS, EVENT) + b"\0"
    assert rejection_class(OURS, payload) is RejectionClass.RECORD_UNDECODABLE


def test_a_size_beyond_the_limit_is_refused_unread() -> None:
    payload = written(OURS, EVENT) + bytes(READ_BYTES)
    assert rejection_class(OURS, payload) is RejectionClass.RECORD_TOO_LARGE


def test_each_id_is_asked_for_once() -> None:
    asked = []

    def ours(schema_id: int) -> dict[str, Any]:
        asked.append(schema_id)
        return OURS

    codec = Codec(schema_of(CONTENT_EVENTS), writer_schema=ours)
    for _ in range(3):
        codec.decode(written(OURS, EVENT))
    assert asked == [7]


def test_a_number_that_is_not_there_is_undecodable_even_where_it_is_left_out() -> None:
    schema = theirs({"name": "mood", "type": "double"})
    payload = written(schema, EVENT | {"mood": 0.5})
    assert rejection_class(schema, payload[:-3]) == RejectionClass.RECORD_UNDECODABLE


@pytest.mark.parametrize("number", ["boolean", "float", "double", SIXTEEN], ids=str)
def test_passing_over_numbers_that_are_claimed_ends_with_the_record(number: Any) -> None:
    claimed = bytes([*[0xFE] * 8, 0x7F])  # an array of 2^62 - 64 items
    schema = theirs({"name": "moods", "type": {"type": "array", "items": number}})
    payload = written(schema, EVENT | {"moods": []})[:-1] + claimed
    assert rejection_class(schema, payload) == RejectionClass.RECORD_UNDECODABLE
