"""Kafka headers: CloudEvents in binary mode, W3C trace context, and what dead letters carry.

Sources: CloudEvents 1.0 Kafka protocol binding; W3C Trace Context; the names that Kafka Streams
gives to the headers of its dead letters.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from earmark import __version__
from earmark.processors.error import ContentError

if TYPE_CHECKING:
    from confluent_kafka import Message

Headers = list[tuple[str, str | bytes | None]]

ATTEMPT = "earmark.attempt"  # how many attempts were made at the event, redrives included
RETRIES = "earmark.retries"  # of these, how many since it was sent or redriven
NOT_BEFORE = "earmark.not-before"  # when to try it again, in milliseconds since the epoch
FORCE = "earmark.force"  # on an event: answer it even where nothing changed
OF_AN_ATTEMPT = (ATTEMPT, RETRIES, NOT_BEFORE, FORCE)  # they say nothing of the event
TRACE_CONTEXT = ("traceparent", "tracestate")


def cloud_event_headers(*, ce_id: str, ce_source: str, ce_type: str, time_ms: int) -> Headers:
    """The context attributes of one record; `time_ms` is milliseconds since the epoch."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_source", (ce_source or "earmark").encode()),
        ("ce_type", ce_type.encode()),
        ("ce_time", _written(time_ms)),
        ("content-type", b"application/avro"),
    ]


@lru_cache(256)  # all records of an event say it
def _written(time_ms: int) -> bytes:
    time = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return time.replace("+00:00", "Z").encode()


def carried_headers(headers: Headers) -> Headers:
    """Of a record's headers the trace context, to be handed on to what comes of it."""
    return [(name, value) for name, value in headers if name in TRACE_CONTEXT]


def dead_letter_headers(message: "Message", error: ContentError, *, worker: str) -> Headers:
    """The record's own headers, then why and where it failed."""
    exception = f"{type(error).__module__}.{type(error).__qualname__}"
    own = {
        "__streams.errors.exception": exception,
        "__streams.errors.message": f"{error.rejection_class}: {error}",
        "__streams.errors.stacktrace": "",
        "__streams.errors.topic": message.topic(),
        "__streams.errors.partition": message.partition(),
        "__streams.errors.offset": message.offset(),
        ATTEMPT: number(message, ATTEMPT) + 1,
        "earmark.worker": worker,
        "earmark.version": __version__,
    }
    return replaced(message, own)


def replaced(message: "Message", own: Mapping[str, object]) -> Headers:
    """The record's headers with these in place of any of their names."""
    kept = [(name, value) for name, value in headers_of(message) if name not in own]
    # what an event says of itself may be no Unicode, and reasons quote it
    return kept + [(n, str(value).encode(errors="backslashreplace")) for n, value in own.items()]


def number(message: "Message", name: str) -> int:
    """The whole number in the last header of that name; 0 where there is none."""
    found = [value for each, value in headers_of(message) if each == name]
    try:
        return max(0, int(found[-1] or 0)) if found else 0
    except ValueError:
        return 0  # somebody else's header of that name


def headers_of(message: "Message") -> Headers:
    """The headers of a record, in order; a name may come more than once."""
    headers = message.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)
