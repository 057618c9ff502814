"""Which events lack signals that they should have: read from the topics, whatever workers say.

What counts is the latest event of each item. Its receipt says whether it was answered, and of
which answers; each signal's topic says whether that answer is there. So an answer that was lost, or
an old one that stands in its place, is seen as missing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from confluent_kafka import Message

from earmark.models.source import Progress
from earmark.processors.codec import Codec, decode_event, event_codec
from earmark.processors.content import Change, ContentEvent, validated
from earmark.processors.error import ContentError
from earmark.processors.expected import expected_signals
from earmark.processors.identity import AnswerKey
from earmark.processors.loader import load_specs
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.processors.signal import SignalSpec
from earmark.streams.audit_book import (
    Answered,
    AuditBook,
    AuditedEvent,
    RejectedRecord,
    Standing,
    Unreadable,
    WaitingRecord,
)
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.erasure import erased_by_tombstone
from earmark.streams.header import NOT_BEFORE, number
from earmark.streams.receipt import Disposition
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS, LONG_EVENTS, REJECTIONS, retry_topic
from earmark.streams.topic_records import read_spans, read_topic

RETRY = retry_topic(CONTENT_EVENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which events are audited: those that arrived from `since_ms` to before `until_ms`.

    Times are in milliseconds since the epoch. Empty collections mean all: of signals, all that the
    settings name for a worker, or else all there are.
    """

    until_ms: int
    since_ms: int | None = None
    content_types: Collection[str] = ()
    signals: Collection[str] = ()


class Audit:
    """An audit of the topics that `settings` reach; `report` is told how far each is read.

    Raises ConfigurationError for an unknown signal or a topic that is not there, ServiceError where
    brokers or registry do not answer.
    """

    def __init__(self, settings: Settings, query: AuditQuery, report: Progress) -> None:
        self._kafka = settings.kafka
        self._registry_settings = settings.registry
        self._query = query
        self._report = report
        asked = tuple(query.signals or settings.worker.signals) or None
        specs = load_specs(asked)
        self._specs: Mapping[str, SignalSpec] = {name: specs[name] for name in asked or specs}
        topics = {spec.topic for spec in specs.values()}
        self._others = [topic for topic in erased_by_tombstone() if topic not in topics]

    def book(self) -> AuditBook:
        """An empty book for `fill`."""
        return AuditBook([*self._specs, *self._others], events=CONTENT_EVENTS, long=LONG_EVENTS)

    def fill(self, book: AuditBook) -> None:
        """Read everything into the book, each topic once."""
        with (
            Registry(self._registry_settings) as registry,
            CommittedReader(self._kafka, self._kafka.receipts_topic) as receipts,
        ):
            events = event_codec(registry.schema_by_id)
            book.take_events(self._events(events))
            spans = receipts.spans()
            book.take_receipts(self._standings(receipts, spans, registry))
            for name, spec in self._specs.items():
                codec = Codec(schema_of(spec.topic), writer_schema=registry.schema_by_id)
                book.take_signals(name, map(_answer_reader(codec), self._all(spec.topic)))
            if book.deletions:
                for topic in self._others:
                    book.take_others(topic, map(_standing_record, self._all(topic)))
            book.take_waiting(self._waiting(events))
            book.take_rejections(self._rejected(registry))
            later = [
                replace(now, start=max(now.start, min(before.end, now.end)))
                for before, now in zip(
                    spans, receipts.spans(), strict=False
                )  # partitions may be added
            ]
            book.take_receipts(self._standings(receipts, later, registry), meanwhile=True)

    def _events(self, codec: Codec) -> Iterator[AuditedEvent | Unreadable]:
        query = self._query
        for message in self._recent(CONTENT_EVENTS, until_ms=query.until_ms):
            place = {
                "partition": message.partition() or 0,
                "offset": message.offset() or 0,
                "arrived_ms": message.timestamp()[1],
            }
            try:
                event = validated(decode_event(message.value() or b"", codec))
            except ContentError as error:
                if not query.content_types:
                    yield Unreadable(**place, reason=str(error))
            else:
                if not query.content_types or event.content_type in query.content_types:
                    yield self._audited(event, place)

    def _audited(self, event: ContentEvent, place: Mapping[str, int]) -> AuditedEvent:
        return AuditedEvent(
            **place,
            content_id=event.content_id,
            event_id=event.event_id,
            revision=event.revision,
            deleted=event.change == Change.DELETED,
            expected=expected_signals(event, self._specs),
        )

    def _standings(
        self, reader: CommittedReader, spans: Sequence[Span], registry: Registry
    ) -> Iterator[Standing]:
        names = {spec.topic: name for name, spec in self._specs.items()}
        codec = Codec(schema_of(RECEIPTS), writer_schema=registry.schema_by_id)
        for message in read_spans(reader, spans, self._report):
            if (value := message.value()) is not None:
                record = codec.decode(value)
                answers = record["answers"].items()
                yield Standing(
                    content_id=record["content_id"],
                    revision=record["revision"],
                    open=record["rejected"] and record["disposition"] != Disposition.REJECTED,
                    answers={names[it]: AnswerKey(**key) for it, key in answers if it in names},
                )

    def _waiting(self, codec: Codec) -> Iterator[WaitingRecord]:
        for topic in (LONG_EVENTS, RETRY):  # the second may follow from the first
            for message in self._recent(topic):
                with suppress(ContentError):  # it is answered by a rejection
                    event = decode_event(message.value() or b"", codec)
                    yield WaitingRecord(
                        content_id=event.content_id,
                        revision=event.revision,
                        topic=topic,
                        partition=message.partition() or 0,
                        offset=message.offset() or 0,
                        due_ms=number(message, NOT_BEFORE) or None,
                    )

    def _rejected(self, registry: Registry) -> Iterator[RejectedRecord]:
        """Of whole records: of what is said of a part, the signals say the rest."""
        codec = Codec(schema_of(REJECTIONS), writer_schema=registry.schema_by_id)
        for message in self._recent(REJECTIONS):
            record = codec.decode(message.value() or b"")
            if record["event_id"] is None and record["topic"] is not None:
                yield RejectedRecord(
                    content_id=(message.key() or b"").decode(errors="replace"),
                    topic=record["topic"],
                    partition=record["partition"],
                    offset=record["offset"],
                )

    def _all(self, topic: str) -> Iterator[Message]:
        return read_topic(self._kafka, topic, self._report)

    def _recent(self, topic: str, *, until_ms: int | None = None) -> Iterator[Message]:
        since_ms = self._query.since_ms
        return read_topic(self._kafka, topic, self._report, since_ms=since_ms, until_ms=until_ms)


def _answer_reader(codec: Codec) -> Callable[[Message], Answered]:
    def read(message: Message) -> Answered:
        value = message.value()
        try:
            record = None if value is None else codec.decode(value)
        except ContentError:
            record = None  # something stands there, but no answer
        if record is None:
            return _standing_record(message)
        made_of = record["provenance"]
        return Answered(
            content_id=record["content_id"],
            present=True,
            revision=record["revision"],
            key=AnswerKey(input_digest=made_of["input_digest"], config_hash=made_of["config_hash"]),
        )

    return read


def _standing_record(message: Message) -> Answered:
    """What a record says without being read: whether something stands under its key."""
    key = (message.key() or b"").decode(errors="replace")
    return Answered(content_id=key, present=message.value() is not None)
