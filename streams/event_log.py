"""What a worker's log says of events: a line for each at debug, one for each transaction at info.

Ids, places and words of ours, by which an event is found again; what an event says of itself is
left out, reasons of rejections too, since they may quote it.
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence

import structlog

from earmark.processors.outcome import Signal
from earmark.streams.flight import Flight

log = structlog.get_logger()

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


class EventLog:
    """Writes the lines; with `content` an event's texts stand in its own."""

    def __init__(self, *, content: bool = False) -> None:
        self._content = content

    def published(self, flights: Sequence[Flight], *, seconds: float) -> None:
        """A transaction was committed; it took so long."""
        if log.is_enabled_for(logging.DEBUG):
            for flight in flights:
                log.debug("event answered", **self._line(flight))
        written = [outcome for flight in flights for outcome in flight.written]
        log.info(
            "batch published",
            events=len(flights),
            signals=sum(isinstance(outcome, Signal) for outcome in written),
            rejections=sum(not isinstance(outcome, Signal) for outcome in written),
            dead_letters=sum(flight.rejection is not None for flight in flights),
            places=_ranges(flights),
            seconds=round(seconds, 3),
        )

    def _line(self, flight: Flight) -> dict[str, object]:
        event, message = flight.event, flight.message
        line: dict[str, object] = {
            "content_id": flight.content_id,
            "event_id": event.event_id if event else None,
            "revision": event.revision if event else None,
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "trace_id": trace_id_of(flight),
            "disposition": str(flight.ruling.receipt.disposition) if flight.ruling else None,
            "outcomes": _outcomes(flight),
            "rejections": _rejections(flight),
        }
        if self._content and event is not None:
            line["texts"] = {text.field: text.text for text in event.texts}
        return line


def trace_id_of(flight: Flight) -> str | None:
    """The trace that the event is in: its own, or the one that its producer names."""
    if flight.journey.trace_id is not None:
        return flight.journey.trace_id
    named = dict(flight.headers).get("traceparent")
    found = _TRACEPARENT.fullmatch(named) if isinstance(named, bytes) else None
    return found[1].decode() if found else None


def _outcomes(flight: Flight) -> dict[str, str]:
    return {
        outcome.name: str(outcome.result.outcome)
        for outcome in flight.written
        if isinstance(outcome, Signal)
    }


def _rejections(flight: Flight) -> dict[str, int]:
    found = (each for each in flight.written if not isinstance(each, Signal))
    return dict(Counter(str(each.error.rejection_class) for each in found))


def _ranges(flights: Sequence[Flight]) -> dict[str, str]:
    """The first and the last offset of each partition."""
    ranges: dict[str, tuple[int, int]] = {}
    for flight in flights:
        topic, number = flight.partition
        offset = flight.message.offset() or 0
        first, last = ranges.get(f"{topic}-{number}", (offset, offset))
        ranges[f"{topic}-{number}"] = (min(first, offset), max(last, offset))
    return {name: f"{first}..{last}" for name, (first, last) in ranges.items()}
