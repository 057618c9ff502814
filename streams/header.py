"""Kafka headers: CloudEvents in binary mode, W3C trace context, and what dead letters carry.

Sources: CloudEvents 1.0 Kafka protocol binding; W3C Trace Context; the names that Kafka Streams
gives to the headers of its dead letters.
"""

from datetime import UTC, datetime

from confluent_kafka import Message

from earmark import __version__
from earmark.processors.error import ContentError

Headers = list[tuple[str, str | bytes | None]]

FORCE = "earmark.force"  # on an event: answer it even where nothing changed
TRACE_CONTEXT = ("traceparent", "tracestate")


def cloud_event_headers(*, ce_id: str, ce_source: str, ce_type: str, time_ms: int) -> Headers:
    """The context attributes of one record; `time_ms` is milliseconds since the epoch."""
    time = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_source", (ce_source or "earmark").encode()),
        ("ce_type", ce_type.encode()),
        ("ce_time", time.replace("+00:00", "Z").encode()),
        ("content-type", b"application/avro"),
    ]


def carried_headers(message: Message) -> Headers:
    """The trace context of a record, to be handed on to what comes of it."""
    return [(name, value) for name, value in headers_of(message) if name in TRACE_CONTEXT]


def dead_letter_headers(message: Message, error: ContentError, *, worker: str) -> Headers:
    """The record's own headers, then why and where it failed."""
    exception = f"{type(error).__module__}.{type(error).__qualname__}"
    own = {
        "__streams.errors.exception": exception,
        "__streams.errors.message": f"{error.rejection_class}: {error}",
        "__streams.errors.stacktrace": "",
        "__streams.errors.topic": message.topic(),
        "__streams.errors.partition": message.partition(),
        "__streams.errors.offset": message.offset(),
        "earmark.attempt": 1,
        "earmark.worker": worker,
        "earmark.version": __version__,
    }
    return headers_of(message) + [(name, str(value).encode()) for name, value in own.items()]


def headers_of(message: Message) -> Headers:
    """The headers of a record, in order; a name may come more than once."""
    headers = message.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)
