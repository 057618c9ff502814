"""The lines per event: with ids, and with texts only where they are asked for."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from earmark.processors.content import ContentEvent, Text
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import Rejection
from earmark.streams.event_log import EventLog, trace_id_of
from earmark.streams.flight import Flight

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Record:
    """What is asked of a Kafka message."""

    def __init__(self, traceparent: bytes) -> None:
        self.traceparent = traceparent

    def value(self) -> bytes:
        return b""

    def topic(self) -> str:
        return "content.events.v1"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 17

    def headers(self) -> list[tuple[str, bytes]]:
        return [("traceparent", self.traceparent)]


def flight(traceparent: bytes = f"00-{TRACE}-b7ad6b7169203331-01".encode()) -> Flight:
    message: Any = Record(traceparent)
    texts = (Text(field="title", text="a marker"),)
    event = ContentEvent(event_id="e-1", content_id="c-1", texts=texts)
    error = ContentError(RejectionClass.TEXT_INVALID, "quotes a marker", part="texts.title")
    return Flight(message=message, event=event, outcomes=(Rejection(event=event, error=error),))


def test_an_event_has_a_line_with_its_ids_and_a_transaction_one_with_its_places() -> None:
    with capture_logs() as lines:
        EventLog().published([flight()], seconds=0.25)
    event, batch = lines
    ids = ("content_id", "event_id", "topic", "partition", "offset", "trace_id")
    assert [event[name] for name in ids] == ["c-1", "e-1", "content.events.v1", 3, 17, TRACE]
    assert (event["log_level"], event["rejections"]) == ("debug", {"TEXT_INVALID": 1})
    assert (batch["log_level"], batch["events"], batch["dead_letters"]) == ("info", 1, 1)
    assert batch["places"] == {"content.events.v1-3": "17..17"}


@pytest.mark.parametrize("asked", [False, True])
def test_texts_are_in_the_lines_only_where_they_are_asked_for(asked: bool) -> None:
    with capture_logs() as lines:
        EventLog(content=asked).published([flight()], seconds=0.25)
    assert ("marker" in str(lines)) is asked


@pytest.mark.parametrize("header", [b"", b"00-abc-def-01", b"\xff", f"00-{TRACE}".encode()])
def test_a_header_that_names_no_trace_gives_none(header: bytes) -> None:
    assert trace_id_of(flight(header)) is None
