"""Content events, signals and rejections as Avro records, and these as bytes.

A record is a dict by the field names of `avro/`, ready for Avro and, through `jsonable`, for JSON.
"""

import math
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np

from earmark import __version__
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.error import ContentError, ModelError, RejectionClass
from earmark.processors.outcome import OutcomeKind, Provenance, Rejection, Result, Signal
from earmark.processors.schema import CONTENT_EVENTS, REJECTIONS, schema_of
from earmark.processors.signal_writer import SignalWriter
from earmark.processors.wire import READ_BYTES, Codec, Record, WriterSchema

__all__ = [
    "EVENT_BYTES",
    "RECORD_BYTES",
    "Codec",
    "Record",
    "WriterSchema",
    "decode_event",
    "encode_event",
    "encode_rejection",
    "encode_signal",
    "event_codec",
    "event_record",
    "jsonable",
    "rejection_record",
    "result_of",
    "signal_record",
]

RECORD_BYTES = 900_000  # longest signal or rejection: brokers take 1 MB unless told otherwise
EVENT_BYTES = READ_BYTES - 194_304  # 4 MB: longest event that is written; the rest is for headers
EVENT_ITEMS = 1_000  # most texts, regions or attributes that an event may have
REJECTION_CODE_POINTS = 10_000  # longest string in a rejection: eight of them fit a record

_PROVENANCE = tuple(field.name for field in fields(Provenance))
_OF_THE_EVENT = (
    "event_id",
    "content_id",
    "revision",
    "event_time",
    "content_type",
    "tenant",
    "source",
)


def encode_event(event: ContentEvent, schema_id: int) -> bytes:
    """The event as a payload of at most `EVENT_BYTES`.

    Raises ContentError: RECORD_INVALID, or RECORD_TOO_LARGE (audio that is not small goes by uri).
    """
    payload = _codec(CONTENT_EVENTS).encode(event_record(event), schema_id)
    if len(payload) > EVENT_BYTES:
        reason = f"{len(payload):,} bytes; the limit is {EVENT_BYTES:,}"
        raise ContentError(RejectionClass.RECORD_TOO_LARGE, reason, part="record")
    return payload


def event_codec(writer_schema: WriterSchema) -> Codec:
    """The codec of a reader of events, who asks a registry for the schemas of their writers."""
    return Codec(schema_of(CONTENT_EVENTS), writer_schema=writer_schema)


def decode_event(payload: bytes, codec: Codec | None = None) -> ContentEvent:
    """The event of a payload, to be `validated`.

    `codec` is an `event_codec`; without it the payload is taken to be written with our schema.
    Raises ContentError with part `record`, and no other error, whatever the bytes.
    """
    record = (codec or _codec(CONTENT_EVENTS)).decode(payload)
    for name in ("texts", "regions", "attributes"):
        if len(record[name]) > EVENT_ITEMS:
            reason = f"{len(record[name]):,} {name}; the limit is {EVENT_ITEMS:,}"
            raise ContentError(RejectionClass.RECORD_INVALID, reason, part="record")
    audio = record.pop("audio")
    return ContentEvent(
        audio=None if audio is None else Audio(**audio),
        texts=tuple(Text(**text) for text in record.pop("texts")),
        regions=tuple(record.pop("regions")),
        **record,
    )


def encode_signal(signal: Signal, schema_id: int) -> bytes:
    """The signal as a payload of at most `RECORD_BYTES`.

    One that would be longer becomes an ERROR with reason RECORD_TOO_LARGE, so that no answer can
    fail a transaction. Raises ModelError for fields that its schema does not have or cannot hold:
    the scorer's fault, not the event's.
    """
    payload = _signal_payload(signal, schema_id)
    if len(payload) <= RECORD_BYTES:
        return payload
    too_large = replace(signal, result=Result.error(RejectionClass.RECORD_TOO_LARGE))
    return _signal_payload(too_large, schema_id)


def encode_rejection(
    rejection: Rejection,
    schema_id: int,
    *,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
) -> bytes:
    """The rejection as a payload of at most `RECORD_BYTES`, whatever the event holds.

    `topic`, `partition` and `offset` say where its record was read.
    """
    record = rejection_record(rejection, topic=topic, partition=partition, offset=offset)
    return _codec(REJECTIONS).encode(record, schema_id)


def event_record(event: ContentEvent) -> Record:
    """The event by the field names of `content.event.v1.avsc`."""
    record: Record = _shallow(event)
    record["audio"] = None if event.audio is None else _shallow(event.audio)
    record["texts"] = [_shallow(text) for text in event.texts]
    record["regions"] = list(event.regions)
    record["attributes"] = dict(event.attributes)
    return record


def signal_record(signal: Signal) -> Record:
    """The signal by the field names of its schema: the envelope, then its own fields, all of them.

    In a signal that finds the language, `language` is what it found (null if it does not say) and
    `declared_language` what the event declares. Raises ModelError for a field that its schema does
    not have.
    """
    event, result, provenance = signal.event, signal.result, signal.provenance
    _check_fields(signal)
    record = {
        "signal_id": signal.signal_id,
        "content_id": event.content_id,
        "event_id": event.event_id,
        "revision": event.revision,
        "event_time": event.event_time,
        "content_type": str(event.content_type),
        "tenant": event.tenant,
        "source": event.source,
        "language": event.language,
        "outcome": str(result.outcome),
        "reason": result.reason,
        "replay_id": signal.replay_id,
        "provenance": {name: getattr(provenance, name) for name in _PROVENANCE},
    }
    record.update(empty_fields(signal.topic))
    record.update(result.fields)
    if "declared_language" in _own_defaults(signal.topic):
        record["declared_language"] = event.language
    return record


def empty_fields(topic: str) -> Record:
    """The signal's own fields as they are where its scorer says nothing of them."""
    own = _own_defaults(topic)
    return {name: None if it is None else it.copy() for name, it in own.items()}


def result_of(topic: str, record: Record) -> Result:
    """What the scorer said, from a record of a signal's topic: the inverse of `signal_record`."""
    return Result(
        outcome=OutcomeKind(record["outcome"]),
        reason=record["reason"],
        fields={name: record[name] for name in _own_defaults(topic)},
    )


def rejection_record(
    rejection: Rejection,
    *,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
) -> Record:
    """The rejection by the field names of `rejection.v1.avsc`.

    What an invalid event says of itself may be no Unicode or without end; here it is escaped and
    cut.
    """
    event, error = rejection.event, rejection.error
    record: Record = {
        "rejection_class": error.rejection_class,
        "reason": error.reason,
        "fault": error.fault,
        "part": error.part,
        **{name: None if event is None else getattr(event, name) for name in _OF_THE_EVENT},
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "pipeline_version": __version__,
    }
    return {
        name: _writable(value) if isinstance(value, str) else value
        for name, value in record.items()
    }


def jsonable(value: Any) -> Any:
    """A record, or a value in one, for JSON: bytes as base64, null for numbers not finite."""
    match value:
        case Mapping():
            return {str(key): jsonable(part) for key, part in value.items()}
        case list() | tuple():
            return [jsonable(part) for part in value]
        case bytes():
            return b64encode(value).decode()
        case np.generic():
            return jsonable(value.item())
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


@cache
def _codec(topic: str) -> Codec:
    return Codec(schema_of(topic))


@cache
def _signal_writer(topic: str) -> SignalWriter:
    return SignalWriter(schema_of(topic))


@cache
def _own_defaults(topic: str) -> Mapping[str, Any]:
    """The fields that the scorer fills, with what they hold where it does not."""
    names = [field["name"] for field in schema_of(topic).definition["fields"]]
    own = schema_of(topic).definition["fields"][names.index("provenance") + 1 :]
    defaults = {field["name"]: field["default"] for field in own}
    return defaults | {"language": None} if "declared_language" in defaults else defaults


def _signal_payload(signal: Signal, schema_id: int) -> bytes:
    writer = _signal_writer(signal.topic)
    _check_fields(signal)
    try:
        return writer.encode(signal, schema_id)
    except ContentError as error:
        raise ModelError(error.reason) from error


def _check_fields(signal: Signal) -> None:
    given, known = signal.result.fields.keys(), _own_defaults(signal.topic).keys()
    if not given <= known:
        strange = ", ".join(sorted(given - known))
        raise ModelError(f"{signal.topic}: its schema has no field {strange}")


def _shallow(part: Any) -> Record:
    return {name: getattr(part, name) for name in part.__slots__}


def _writable(text: str) -> str:
    return text[:REJECTION_CODE_POINTS].encode(errors="backslashreplace").decode()
