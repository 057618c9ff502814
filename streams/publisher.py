"""Answers out and offsets forward, in one Kafka transaction.

Everything is encoded before the transaction begins, so that nothing but Kafka itself can fail
inside it. A transaction that cannot be aborted cleanly ends the process: its supervisor starts it
again under the same transactional id, which fences what was left open.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from earmark.processors.codec import encode_rejection, encode_signal
from earmark.processors.outcome import Rejection, Signal
from earmark.processors.schema import RECEIPTS
from earmark.streams.error import TransactionError
from earmark.streams.flight import Flight, offsets_behind
from earmark.streams.header import (
    Headers,
    carried_headers,
    cloud_event_headers,
    dead_letter_headers,
)
from earmark.streams.kafka import BY_KEY, TRANSACTIONAL, producer_config
from earmark.streams.receipt import Disposition, ReceiptCodec, Ruling
from earmark.streams.retry import retry_headers
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS, REJECTIONS, dead_letter_topic, retry_topic

COMMIT_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to be produced; `value` None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None  # None: by key


class Publisher:
    """Publishes finished flights exactly once, as read_committed readers see it."""

    def __init__(self, settings: Settings, schema_ids: Mapping[str, int], *, worker: str) -> None:
        self._schema_ids = schema_ids
        self._retry_settings = settings.worker.retry
        self._receipts_topic = settings.kafka.receipts_topic
        self._codec = ReceiptCodec(schema_ids[RECEIPTS], group=settings.kafka.group_id)
        self._worker = worker
        self._producer = Producer(
            producer_config(
                settings.kafka,
                {
                    **TRANSACTIONAL,
                    "transactional.id": f"{settings.kafka.group_id}-{settings.kafka.slot}",
                },
            )
        )
        self._begun = False

    def start(self) -> None:
        """Claim the transactional id; whoever held it before is fenced."""
        self._guarded(lambda: self._producer.init_transactions(COMMIT_TIMEOUT_S))

    def publish(self, flights: Sequence[Flight], group_metadata: object) -> None:
        """Publish all outcomes of the flights and commit the offsets behind them.

        Raises TransactionError when Kafka did not take it; nothing of it is then visible.
        """
        outgoing = [record for flight in flights for record in self._records(flight)]
        self._guarded(lambda: self._transact(outgoing, flights, group_metadata))

    def _transact(
        self, outgoing: Sequence[Outgoing], flights: Sequence[Flight], group_metadata: object
    ) -> None:
        self._producer.begin_transaction()
        self._begun = True
        for record in outgoing:
            self._produce(record)
        self._producer.send_offsets_to_transaction(
            offsets_behind(flights), group_metadata, COMMIT_TIMEOUT_S
        )
        self._producer.commit_transaction(COMMIT_TIMEOUT_S)
        self._begun = False

    def _produce(self, record: Outgoing) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    BY_KEY if record.partition is None else record.partition,
                    headers=record.headers,
                )
            except BufferError:
                self._producer.poll(0.1)  # librdkafka's queue is full: let it drain
            else:
                return

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except KafkaException as error:
            self._abort()
            cause: KafkaError = error.args[0]
            raise TransactionError(
                f"Kafka transaction failed: {cause.name()}: {cause.str()}"
            ) from error

    def _abort(self) -> None:
        if not self._begun:
            return
        try:
            self._producer.abort_transaction(COMMIT_TIMEOUT_S)
        except KafkaException as error:
            raise TransactionError(
                f"transaction could not be aborted: {error.args[0].str()}"
            ) from error
        finally:
            self._begun = False

    def _records(self, flight: Flight) -> Iterator[Outgoing]:
        message, ruling = flight.message, flight.ruling
        for outcome in flight.written:
            if isinstance(outcome, Signal):
                yield self._signal(outcome, message)
            else:
                yield self._rejection(outcome, message)
        if flight.rejection is not None:
            yield self._dead_letter(flight.rejection, message)
        if ruling is not None:
            yield from (self._tombstone(topic, ruling, message) for topic in ruling.erased)
            yield self._receipt(ruling, message)
            if ruling.receipt.disposition == Disposition.RETRIED:
                yield self._retry(message)

    def _retry(self, message: Message) -> Outgoing:
        now_ms = time.time_ns() // 1_000_000
        return Outgoing(
            topic=retry_topic(CONTENT_EVENTS),
            key=message.key(),
            value=message.value(),
            headers=retry_headers(message, self._retry_settings, now_ms=now_ms),
            partition=message.partition(),  # its receipt is there
        )

    def _signal(self, signal: Signal, message: Message) -> Outgoing:
        return Outgoing(
            topic=signal.topic,
            key=signal.event.content_id.encode(),
            value=encode_signal(signal, self._schema_ids[signal.topic]),
            headers=cloud_event_headers(
                ce_id=f"{signal.signal_id}/{signal.event.event_id}",
                ce_source=signal.event.source,
                ce_type=signal.topic,
                time_ms=signal.event.event_time,
            )
            + carried_headers(message),
        )

    def _rejection(self, rejection: Rejection, message: Message) -> Outgoing:
        event = rejection.event
        place = f"{message.topic()}-{message.partition()}-{message.offset()}"
        return Outgoing(
            topic=REJECTIONS,
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
                ce_type=REJECTIONS,
                time_ms=event.event_time if event else message.timestamp()[1],
            )
            + carried_headers(message),
        )

    def _tombstone(self, topic: str, ruling: Ruling, message: Message) -> Outgoing:
        return Outgoing(
            topic=topic,
            key=ruling.receipt.content_id.encode(),
            value=None,
            headers=carried_headers(message),
        )

    def _receipt(self, ruling: Ruling, message: Message) -> Outgoing:
        return Outgoing(
            topic=self._receipts_topic,
            key=ruling.receipt.content_id.encode(),
            value=self._codec.encode(ruling.receipt),
            headers=carried_headers(message),
            partition=message.partition(),  # that of the event, however its producer chose it
        )

    def _dead_letter(self, rejection: Rejection, message: Message) -> Outgoing:
        return Outgoing(
            topic=dead_letter_topic(CONTENT_EVENTS),  # also of one that was tried again
            key=message.key(),
            value=message.value(),
            headers=dead_letter_headers(message, rejection.error, worker=self._worker),
        )
