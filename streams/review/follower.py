"""Topics read on from where they were left, and where in them the newest record of a key lies."""

from collections.abc import Collection, Iterator
from types import TracebackType
from typing import Self

from confluent_kafka import Message

from earmark.models.source import Progress
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.local.report import silent
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic_records import read_spans


class Follower:
    """Gives what was committed to a topic since it was last asked; for one thread.

    Raises ConfigurationError where there is no such topic, ServiceError where brokers do not give
    its records.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, report: Progress = silent) -> None:
        self._reader = CommittedReader(kafka, topic)
        self._report = report
        self._behind: dict[int, int] = {}  # by partition, the offset behind what was given

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the brokers."""
        self._reader.__exit__(None, None, None)

    def advance(self) -> Iterator[Message]:
        """The records that are new, partition by partition."""
        spans = [self._left(span) for span in self._reader.spans()]
        yield from read_spans(
            self._reader, [span for span in spans if span.start < span.end], self._report
        )
        self._behind |= {span.partition: span.end for span in spans}

    def record_at(self, partition: int, offset: int) -> Message | None:
        """The record at that place; None where it is no longer there."""
        span = Span(partition=partition, start=offset, end=offset + 1)
        return next((each for each in self._reader.read(span) if each.offset() == offset), None)

    def _left(self, span: Span) -> Span:
        start = max(span.start, self._behind.get(span.partition, 0))
        return Span(partition=span.partition, start=start, end=max(start, span.end))


class Index:
    """Where the newest record of each key of a compacted topic lies; its value is read when asked.

    With `wanted`, of these keys only, and their values are kept: for one look at some items.
    Without, it holds 16 bytes and a place for each key (about 250 MB for a million items).
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        *,
        wanted: Collection[bytes] | None = None,
        report: Progress = silent,
    ) -> None:
        self._follower = Follower(kafka, topic, report)
        self._wanted = wanted
        self._places: dict[bytes, tuple[int, int]] = {}
        self._values: dict[bytes, bytes] = {}

    def advance(self) -> None:
        """Take in what is new."""
        for message in self._follower.advance():
            key, value = message.key() or b"", message.value()
            if self._wanted is not None and key not in self._wanted:
                continue
            if value is None:
                self._places.pop(key, None)
                self._values.pop(key, None)
            else:
                self._places[key] = (message.partition() or 0, message.offset() or 0)
                if self._wanted is not None:
                    self._values[key] = value

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def value(self, key: bytes) -> bytes | None:
        """The newest value of the key; None where it has none."""
        if key in self._values or key not in self._places:
            return self._values.get(key)
        message = self._follower.record_at(*self._places[key])
        if message is None:  # compacted away: there is a newer one
            self.advance()
            place = self._places.get(key)
            message = None if place is None else self._follower.record_at(*place)
        return None if message is None else message.value()

    def close(self) -> None:
        """Leave the brokers."""
        self._follower.close()
