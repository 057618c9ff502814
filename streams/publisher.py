"""Answers out and offsets forward, in one Kafka transaction.

Everything is encoded before the transaction begins, so that nothing but Kafka itself can fail
inside it. A transaction that fails, or has not ended when the broker aborts it, ends the process:
its supervisor starts it again under the same transactional id, which fences what was left open.
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
from earmark.streams.kafka import BY_KEY, TRANSACTION_S, TRANSACTIONAL, producer_config
from earmark.streams.receipt import Disposition, ReceiptCodec, Ruling
from earmark.streams.retry import retry_headers
from earmark.streams.settings import Settings
from earmark.streams.time_limit import within
from earmark.streams.topic import CONTENT_EVENTS, REJECTIONS, dead_letter_topic, retry_topic

START_S = 20.0  # what whoever had the transactional id before left open is ended first
ABORT_S = 3.0  # what is not aborted here is by the next process, or by the broker
HANGING_S = 1.0  # a call that is so much longer than its limit will not end
# `send_offsets_to_transaction` asks a broker that has just come back three times at once for the
# group's coordinator, then never again until a connection opens or closes, whatever its time limit
# (librdkafka 2.16, issue 5456). So idle ones close, and another opens when the metadata are due.
WAKING = {"connections.max.idle.ms": 3_500, "topic.metadata.refresh.interval.ms": 6_000}


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
                    **WAKING,
                    "transactional.id": f"{settings.kafka.group_id}-{settings.kafka.slot}",
                    "message.max.bytes": 4_000_000,  # a dead letter is as large as its event
                },
            )
        )
        self._begun = False

    def start(self) -> None:
        """Claim the transactional id; whoever held it before is fenced."""
        self._guarded(lambda: self._producer.init_transactions(START_S), START_S)

    def publish(self, flights: Sequence[Flight], group_metadata: object) -> None:
        """Publish all outcomes of the flights and commit the offsets behind them.

        Raises TransactionError when Kafka did not take it, or has not said so in time. Either
        nothing of it is then visible, or all of it is and the offsets are committed.
        """
        outgoing = [record for flight in flights for record in self._records(flight)]
        self._guarded(lambda: self._transact(outgoing, flights, group_metadata), TRANSACTION_S)

    def _transact(
        self, outgoing: Sequence[Outgoing], flights: Sequence[Flight], group_metadata: object
    ) -> None:
        until = time.monotonic() + TRANSACTION_S
        self._producer.begin_transaction()
        self._begun = True
        for record in outgoing:
            self._produce(record)
        self._producer.send_offsets_to_transaction(
            offsets_behind(flights), group_metadata, _left_s(until)
        )
        self._producer.commit_transaction(_left_s(until))
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

    def _guarded(self, action: Callable[[], None], limit_s: float) -> None:
        try:
            within(limit_s + HANGING_S, action)
        except TimeoutError:  # the client is still in its call and takes no other
            raise TransactionError(
                f"Kafka transaction failed: it has not ended in {limit_s:g} s"
            ) from None
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
            within(ABORT_S + HANGING_S, lambda: self._producer.abort_transaction(ABORT_S))
        except TimeoutError:
            raise TransactionError("transaction could not be aborted in time") from None
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


def _left_s(until: float) -> float:
    return max(0.0, until - time.monotonic())
