"""What follows from an answered event as records of Kafka: the same on every host."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from confluent_kafka import Message

from earmark.processors.codec import Codec, Record, encode_rejection, encode_signal
from earmark.processors.outcome import Rejection, Signal
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.processors.twin import twin
from earmark.streams.flight import Flight
from earmark.streams.header import (
    OF_AN_ATTEMPT,
    Headers,
    cloud_event_headers,
    dead_letter_headers,
    headers_of,
)
from earmark.streams.item_record import item_payload
from earmark.streams.promotion import PARTITION, Promotion
from earmark.streams.receipt import Disposition, ReceiptCodec, Ruling
from earmark.streams.restriction import restricted_by
from earmark.streams.retry import retry_headers
from earmark.streams.route import Route
from earmark.streams.settings import Settings
from earmark.streams.topic import (
    CONTENT_EVENTS,
    REJECTIONS,
    RESTRICTED_PREFIX,
    SIGNALS_PREFIX,
    restricted_topic,
)

REDACTED = ("earmark.redacted", b"true")  # a header of a record whose text was left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to be produced; `value` None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None  # None: by key


class FlightRecords:
    """Makes the records of finished flights, on the topics of `route`, in the name of `worker`."""

    def __init__(
        self, settings: Settings, schema_ids: Mapping[str, int], *, worker: str, route: Route
    ) -> None:
        self._schema_ids = schema_ids
        self._retry_settings = settings.worker.retry
        self._receipts_topic = settings.kafka.receipts_topic
        self._route = route
        self._restricted = restricted_by(settings)
        self._codec = ReceiptCodec(schema_ids[RECEIPTS], group=settings.kafka.group_id)
        self._worker = worker

    def encode(self, signal: Signal) -> bytes:
        """The signal as it is published."""
        if signal.replay_id != self._route.run:
            signal = replace(signal, replay_id=self._route.run)
        return encode_signal(signal, self._schema_ids[signal.topic])

    def of(self, flight: Flight) -> Iterator[Outgoing]:
        """All that is to be written for the flight."""
        message, ruling = flight.message, flight.ruling
        if flight.long and ruling is None:
            yield self._set_apart(message)
            return
        for outcome in flight.written:
            if isinstance(outcome, Signal):
                yield from self._whole_and_twin(self._signal(outcome, flight), outcome.topic)
            else:
                yield self._rejection(outcome, flight)
        if flight.rejection is not None:
            yield self._dead_letter(flight.rejection, message)
        if ruling is not None:
            yield from self._standing(flight, ruling)

    def _standing(self, flight: Flight, ruling: Ruling) -> Iterator[Outgoing]:
        """What says how the item stands now."""
        message, disposition = flight.message, ruling.receipt.disposition
        made = self._route.made_of_answers if disposition == Disposition.DELETED else ()
        for topic in (*self._both(ruling.erased), *made):
            yield self._tombstone(topic, ruling, flight)
        yield self._receipt(ruling, flight)
        if flight.promotion is not None:
            promoted = self._promoted(flight.promotion, message)
            yield from self._whole_and_twin(promoted, promoted.topic, flight.promotion.record)
        elif self._route.items is not None and disposition != Disposition.SUPERSEDED:
            yield self._item(self._route.items, flight, ruling)
        if disposition == Disposition.RETRIED and flight.promotion is None:
            yield self._retry(message)

    def _both(self, topics: Iterable[str]) -> Iterator[str]:
        """The topics, and beside them those that hold what is left out of them."""
        for topic in topics:
            yield topic
            whole = None if self._route.run else restricted_topic(topic)
            if whole is not None:  # whatever is set now: it may have been set once
                yield whole

    def _whole_and_twin(
        self, whole: Outgoing, topic: str, record: Record | None = None
    ) -> Iterator[Outgoing]:
        """The answer as it is; or as it is to the restricted topic, and without text to its own.

        Answers of a replay lie whole on the run's topics, which are the operator's.
        """
        if self._route.run is not None or topic not in self._restricted:
            yield whole
            return
        schema = schema_of(topic)
        codec, name = Codec(schema), schema.name.removeprefix(SIGNALS_PREFIX)
        less = twin(name, codec.decode(whole.value or b"") if record is None else record)
        yield replace(whole, topic=f"{RESTRICTED_PREFIX}{topic}")
        yield replace(
            whole,
            value=codec.encode(less, self._schema_ids[topic]),
            headers=[*whole.headers, REDACTED],
        )

    def _retry(self, message: Message) -> Outgoing:
        now_ms = time.time_ns() // 1_000_000
        headers = retry_headers(message, self._retry_settings, now_ms=now_ms)
        return self._again(message, self._route.retry, headers)

    def _set_apart(self, message: Message) -> Outgoing:
        return self._again(message, self._route.long or "", headers_of(message))

    def _again(self, message: Message, topic: str, headers: Headers) -> Outgoing:
        """The record itself, to be read once more; in the partition where its receipt is."""
        return Outgoing(
            topic=topic,
            key=message.key(),
            value=message.value(),
            headers=headers,
            partition=message.partition(),
        )

    def _promoted(self, promotion: Promotion, message: Message) -> Outgoing:
        return Outgoing(
            topic=promotion.topic,
            key=message.key(),
            value=promotion.payload,
            headers=promotion.headers,
        )

    def _item(self, topic: str, flight: Flight, ruling: Ruling) -> Outgoing:
        return Outgoing(
            topic=topic,
            key=ruling.receipt.content_id.encode(),
            value=item_payload(flight, self._schema_ids[CONTENT_EVENTS]),
            headers=[each for each in flight.headers if each[0] not in OF_AN_ATTEMPT],
            partition=flight.message.partition(),  # that of the events, as for receipts
        )

    def _signal(self, signal: Signal, flight: Flight) -> Outgoing:
        message = flight.message
        topic = self._route.written(signal.topic)
        is_known = self._route.run is not None and self._route.keeps_partitions
        of_run: Headers = [(PARTITION, str(message.partition()).encode())] if is_known else []
        return Outgoing(
            topic=topic,
            key=signal.event.content_id.encode(),
            value=self.encode(signal),
            headers=cloud_event_headers(
                ce_id=f"{signal.signal_id}/{signal.event.event_id}",
                ce_source=signal.event.source,
                ce_type=topic,
                time_ms=signal.event.event_time,
            )
            + flight.carried
            + of_run,
        )

    def _rejection(self, rejection: Rejection, flight: Flight) -> Outgoing:
        event, message = rejection.event, flight.message
        place = f"{message.topic()}-{message.partition()}-{message.offset()}"
        topic = self._route.written(REJECTIONS)
        return Outgoing(
            topic=topic,
            key=event.content_id.encode() if event else message.key(),
            value=encode_rejection(
                rejection,
                self._schema_ids[REJECTIONS],
                topic=message.topic(),
                partition=message.partition(),
                offset=message.offset(),
            ),
            headers=cloud_event_headers(
                ce_id=f"{place}/{rejection.error.part}",
                ce_source=event.source if event else "",
                ce_type=topic,
                time_ms=event.event_time if event else message.timestamp()[1],
            )
            + flight.carried,
        )

    def _tombstone(self, topic: str, ruling: Ruling, flight: Flight) -> Outgoing:
        return Outgoing(
            topic=self._route.written(topic),
            key=ruling.receipt.content_id.encode(),
            value=None,
            headers=flight.carried,
        )

    def _receipt(self, ruling: Ruling, flight: Flight) -> Outgoing:
        return Outgoing(
            topic=self._receipts_topic,
            key=ruling.receipt.content_id.encode(),
            value=flight.receipt or self._codec.encode(ruling.receipt),
            headers=flight.carried,
            partition=flight.message.partition(),  # the event's, however its producer chose it
        )

    def _dead_letter(self, rejection: Rejection, message: Message) -> Outgoing:
        return Outgoing(
            topic=self._route.dead_letters,  # also of one that was tried again
            key=message.key(),
            value=message.value(),
            headers=dead_letter_headers(message, rejection.error, worker=self._worker),
        )
