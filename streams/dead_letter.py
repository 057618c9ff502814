"""Dead letters: read from their topic, told apart by error class, key and time of arrival.

A dead letter is a record that could not be used: its original key, value and headers, and behind
these the headers that say why and where it failed (`earmark.streams.header.dead_letter_headers`).
Letters of other producers may lack any of these; what is there is shown.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.header import ATTEMPT, NOT_BEFORE, RETRIES, Headers, headers_of
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import TIMEOUT_S, dead_letter_topic, retry_topic

REDRIVEN_FROM = "earmark.redriven-from"
UNKNOWN = "UNKNOWN"  # the class of a letter that does not say why it is one

ANSWER_S = 10.0  # for the broker to be reached
STALLED_S = 60.0  # an open transaction of a dead producer holds its readers up for 15 s
BATCH = 500  # records taken from librdkafka at once

_MESSAGE = "__streams.errors.message"
_OF_KAFKA_STREAMS = "__streams.errors."
_OF_THE_FAILURE = {ATTEMPT, REDRIVEN_FROM, "earmark.worker", "earmark.version"}
_OF_A_RETRY = {RETRIES, NOT_BEFORE}  # of waiting that is over
_POLL_S = 0.5
_NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_CLASS = re.compile(r"([\w.$-]+):\s*")
_PLACE = re.compile(r"([0-9]{1,9})-([0-9]{1,18})")
_NUMBER = re.compile(rb"[0-9]{1,9}")
_BACK = re.compile(r"([0-9]{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

OnRead = Callable[[int, int], None]  # offsets passed, of how many


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Place:
    """Where a record lies in its topic; written `<partition>-<offset>`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that is written; raises ConfigurationError where it is none."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ConfigurationError(f"{text!r} is no place: write <partition>-<offset>, like 3-17")
        return cls(partition=int(found[1]), offset=int(found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One letter; `timestamp` is its arrival, in milliseconds since the epoch."""

    place: Place
    timestamp: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Headers

    @property
    def error_class(self) -> str:
        """The word before the colon of its error message; `UNKNOWN` where there is none."""
        found = _CLASS.match(self._text(_MESSAGE))
        return found[1] if found else UNKNOWN

    @property
    def reason(self) -> str:
        """Why it failed, without the class; empty where it does not say."""
        text = self._text(_MESSAGE)
        found = _CLASS.match(text)
        return text[found.end() :] if found else text

    @property
    def attempt(self) -> int:
        """Which attempt failed, from 1."""
        return attempt_of(self.headers)

    @property
    def own_headers(self) -> Headers:
        """The headers that the record had before it failed, in order."""
        return [(name, value) for name, value in self.headers if not _is_added(name)]

    def partition_in(self, topic: str) -> int | None:
        """The partition of `topic` it came from; None where it does not say."""
        if self._text("__streams.errors.topic") not in {topic, retry_topic(topic)}:
            return None
        number = self._text("__streams.errors.partition").encode()
        return int(number) if _NUMBER.fullmatch(number) else None

    @property
    def came_from(self) -> tuple[str, int, int] | None:
        """Topic, partition and offset that it was read at; None where it does not say."""
        topic = self._text("__streams.errors.topic")
        numbers = [self._text(f"__streams.errors.{name}") for name in ("partition", "offset")]
        if not topic or not all(number.isdecimal() for number in numbers):
            return None
        return topic, int(numbers[0]), int(numbers[1])

    def _text(self, name: str) -> str:
        """The last header of that name, which is of the latest failure."""
        values = [value for header, value in self.headers if header == name]
        last = values[-1] if values else None
        return last.decode(errors="replace") if isinstance(last, bytes) else last or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters are meant; empty collections and None mean all.

    `since_ms` and `until_ms` bound the time of arrival, in milliseconds since the epoch; the
    second is exclusive.
    """

    classes: Collection[str] = ()
    keys: Collection[str] = ()
    since_ms: int | None = None
    until_ms: int | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter has one of the classes, in any case, and one of the keys."""
        key = (letter.key or b"").decode(errors="replace")
        classes = {name.upper() for name in self.classes}
        return (not classes or letter.error_class.upper() in classes) and (
            not self.keys or key in self.keys
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The records of a partition from offset `start` to before `end`."""

    partition: int
    start: int
    end: int


class CommittedReader:
    """Reads what is committed on a topic, between offsets; for one thread, in a `with` block.

    Raises ConfigurationError where there is no such topic, ServiceError where the brokers do not
    give it.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self.topic = topic
        self._servers = kafka.bootstrap_servers
        self._consumer = _consumer(kafka)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def partitions(self) -> list[int]:
        """The numbers of its partitions; empty where there is no such topic."""
        try:
            found = self._consumer.list_topics(self.topic, timeout=ANSWER_S).topics[self.topic]
        except KafkaException as error:
            raise self._failed(error) from error
        if found.error is None:
            return sorted(found.partitions)
        if found.error.code() in _NO_TOPIC:
            return []
        raise self._failed(KafkaException(found.error))

    def spans(self, since_ms: int | None = None, until_ms: int | None = None) -> list[Span]:
        """What each partition now holds of the time from `since_ms` to before `until_ms`."""
        numbers = self.partitions()
        if not numbers:
            raise ConfigurationError(
                f"topic {self.topic} at {self._servers} is not there; run `earmark topics create`"
            )
        starts, ends = self._offsets_at(numbers, since_ms), self._offsets_at(numbers, until_ms)
        return [self._span(number, starts.get(number), ends.get(number)) for number in numbers]

    def read(self, span: Span) -> Iterator[Message]:
        """The records of the span, in order."""
        if span.start >= span.end:
            return
        self._consumer.assign([TopicPartition(self.topic, span.partition, span.start)])
        try:
            for message in self._messages(span):
                if (message.offset() or 0) >= span.end:
                    return
                yield message
        finally:
            self._consumer.unassign()

    def _messages(self, span: Span) -> Iterator[Message]:
        """From the beginning of the span to at least its end."""
        heard = time.monotonic()
        while True:
            for message in self._some():
                if (error := message.error()) is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # its public name
                    # a broker that lags behind the one that was asked may end too early
                    if (message.offset() or 0) >= span.end:
                        return
                else:
                    raise self._failed(KafkaException(error))
                heard = time.monotonic()
            if time.monotonic() - heard > STALLED_S:
                raise ServiceError(f"{self.topic} partition {span.partition} could not be read")

    def _some(self) -> list[Message]:
        """What is there, after a short wait for the first."""
        first = self._consumer.poll(_POLL_S)
        return [] if first is None else [first, *self._consumer.consume(BATCH - 1, 0)]

    def _span(self, number: int, start: int | None, end: int | None) -> Span:
        first, last = self._watermarks(number)
        # librdkafka answers a time after the last record with a negative offset
        start = first if start is None else last if start < 0 else max(first, start)
        end = last if end is None or end < 0 else min(end, last)
        return Span(partition=number, start=start, end=max(start, end))

    def _offsets_at(self, numbers: Iterable[int], time_ms: int | None) -> dict[int, int]:
        """The first offsets of records that arrived then or later; none where no time is asked."""
        if time_ms is None:
            return {}
        asked = [TopicPartition(self.topic, number, max(0, time_ms)) for number in numbers]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=ANSWER_S)
        except KafkaException as error:
            raise self._failed(error) from error
        for partition in found:
            if partition.error is not None:
                raise self._failed(KafkaException(partition.error))
        return {partition.partition: partition.offset for partition in found}

    def _watermarks(self, number: int) -> tuple[int, int]:
        partition = TopicPartition(self.topic, number)
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                first, last = self._consumer.get_watermark_offsets(partition, timeout=ANSWER_S)
            except KafkaException as error:
                # a partition that has just been made may have no leader yet
                if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline:
                    raise self._failed(error) from error
                time.sleep(_POLL_S)
            else:
                return first, last

    def _failed(self, error: KafkaException) -> ServiceError:
        return ServiceError(f"Kafka {self._servers}: {self.topic}: {error.args[0].str()}")


class DeadLetters(CommittedReader):
    """The dead letters of `source`, in the order of partitions and offsets."""

    def __init__(self, kafka: KafkaSettings, source: str) -> None:
        super().__init__(kafka, dead_letter_topic(source))
        self.source = source

    def select(self, selection: Selection, on_read: OnRead | None = None) -> Iterator[DeadLetter]:
        """The letters selected of those that are there now; not those that come meanwhile."""
        spans = self.spans(selection.since_ms, selection.until_ms)
        return filter(selection.takes, self.within(spans, on_read))

    def within(
        self, spans: Collection[Span], on_read: OnRead | None = None
    ) -> Iterator[DeadLetter]:
        """All letters of these spans."""
        total, passed = sum(span.end - span.start for span in spans), 0
        for span in spans:
            for message in self.read(span):
                letter = dead_letter(message)
                if on_read is not None:
                    on_read(passed + letter.place.offset + 1 - span.start, total)
                yield letter
            passed += span.end - span.start

    def at(self, places: Collection[Place]) -> Iterator[DeadLetter]:
        """The letters at these places; those that are not there any more are left out."""
        for there in self.spans():
            offsets = {place.offset for place in places if place.partition == there.partition}
            start = max(there.start, min(offsets, default=there.end))
            end = min(there.end, max(offsets, default=0) + 1)
            for message in self.read(Span(partition=there.partition, start=start, end=end)):
                if message.offset() in offsets:
                    yield dead_letter(message)


def delete_before(kafka: KafkaSettings, topic: str, spans: Iterable[Span]) -> None:
    """Delete what each partition of `topic` holds up to the end of its span.

    Raises ServiceError where the brokers refuse.
    """
    ends = [TopicPartition(topic, it.partition, it.end) for it in spans if it.start < it.end]
    if not ends:
        return
    admin = AdminClient(client_config(kafka))
    try:
        for future in admin.delete_records(ends, operation_timeout=TIMEOUT_S).values():
            future.result(TIMEOUT_S)
    except KafkaException as error:
        raise ServiceError(f"topic {topic}: {error.args[0].str()}") from error


def dead_letter(message: Message) -> DeadLetter:
    """The letter that a record of a dead-letter topic is."""
    return DeadLetter(
        place=Place(partition=message.partition() or 0, offset=message.offset() or 0),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=headers_of(message),
    )


def attempt_of(headers: Headers) -> int:
    """Which attempt at a record this is, from 1: the highest `earmark.attempt` that it carries.

    Without one, or with one that is no number, it is the first.
    """
    carried = (value for name, value in headers if name == ATTEMPT)
    texts = (value.encode() if isinstance(value, str) else value or b"" for value in carried)
    return max([1, *(int(text) for text in texts if _NUMBER.fullmatch(text))])


def moment_ms(text: str, *, now: datetime) -> int:
    """A time in ISO 8601 (UTC where it names no zone), or how long before `now`: `90s`, `2h`, `7d`.

    In milliseconds since the epoch. Raises ConfigurationError for anything else.
    """
    try:
        if back := _BACK.fullmatch(text.strip()):
            then = now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        else:
            then = datetime.fromisoformat(text.strip())
        return round((then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{text!r} is no time: write one like 2026-01-31T12:00:00Z, or a duration back like 2h"
        ) from None


def _is_added(name: str) -> bool:
    return name.startswith(_OF_KAFKA_STREAMS) or name in _OF_THE_FAILURE | _OF_A_RETRY


def _consumer(kafka: KafkaSettings) -> Consumer:
    own: dict[str, object] = {
        "group.id": "earmark-dlq",  # asked for; nothing is committed
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",  # retention may have taken what we stand on
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 10,  # what is not there yet is not waited for
        "isolation.level": "read_committed",
    }
    try:
        return Consumer(client_config(kafka, own))
    except (KafkaException, TypeError) as error:
        raise ConfigurationError(f"setting kafka: {error}") from error
