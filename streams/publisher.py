"""Answers out and offsets forward, in one Kafka transaction.

Everything is encoded before the transaction begins, so that nothing but Kafka itself can fail
inside it. A transaction that fails, or has not ended when the broker aborts it, ends the process:
its supervisor starts it again under the same transactional id, which fences what was left open.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from earmark.processors.outcome import Signal
from earmark.streams.error import TransactionError
from earmark.streams.flight import Flight, Partition, offsets_behind
from earmark.streams.kafka import (
    BY_KEY,
    TRANSACTION_S,
    TRANSACTIONAL,
    producer_config,
    worker_id,
)
from earmark.streams.outgoing import FlightRecords, Outgoing
from earmark.streams.route import Route
from earmark.streams.settings import Settings
from earmark.streams.time_limit import within

THROUGH = "through"  # metadata of an offset: all before it is answered, retries too
START_S = 20.0  # what whoever had the transactional id before left open is ended first
ABORT_S = 3.0  # what is not aborted here is by the next process, or by the broker
HANGING_S = 1.0  # a call that is so much longer than its limit will not end
# `send_offsets_to_transaction` asks a broker that has just come back three times at once for the
# group's coordinator, then never again until a connection opens or closes, whatever its time limit
# (librdkafka 2.16, issue 5456). So idle ones close, and another opens when the metadata are due.
# One that has closed opens again at once: while it stood back for librdkafka's default of 0.1 to
# 10 s, the same call missed its opening, and half of the transactions after a silence of more than
# four seconds took two to six seconds (0 of 79 so).
WAKING = {
    "connections.max.idle.ms": 3_500,
    "topic.metadata.refresh.interval.ms": 6_000,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 1_000,
}


class Publisher:
    """Publishes finished flights exactly once, as read_committed readers see it."""

    def __init__(
        self, settings: Settings, schema_ids: Mapping[str, int], *, worker: str, route: Route
    ) -> None:
        self._records = FlightRecords(settings, schema_ids, worker=worker, route=route)
        self._worker = worker
        self._producer = Producer(
            producer_config(
                settings.kafka,
                {
                    **TRANSACTIONAL,
                    **WAKING,
                    "transactional.id": worker_id(settings.kafka),
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
        outgoing = [record for flight in flights for record in self._records.of(flight)]
        offsets = offsets_behind(flights, of=self._worker)
        self._guarded(lambda: self._transact(outgoing, offsets, group_metadata), TRANSACTION_S)

    def pass_over(self, offsets: Mapping[Partition, int], group_metadata: object) -> None:
        """Commit these offsets alone, with the word that nothing is left before them.

        Raises TransactionError when Kafka did not take them.
        """
        behind = [
            TopicPartition(*partition, offset, THROUGH) for partition, offset in offsets.items()
        ]
        self._guarded(lambda: self._transact((), behind, group_metadata), TRANSACTION_S)

    def end_pending(self, offsets: Sequence[TopicPartition], group_metadata: object) -> None:
        """End a commit that an earlier transaction of ours has left pending (see `leftover`).

        By one that commits these offsets and is aborted: where the earlier one was not, its events
        are read again, and their receipts say that they are answered. Raises TransactionError when
        Kafka did not take it.
        """
        abort = self._producer.abort_transaction
        self._guarded(lambda: self._transact((), offsets, group_metadata, abort), TRANSACTION_S)

    def _transact(
        self,
        outgoing: Sequence[Outgoing],
        offsets: Sequence[TopicPartition],
        group_metadata: object,
        end: Callable[[float], object] | None = None,  # none: commit
    ) -> None:
        until = time.monotonic() + TRANSACTION_S
        self._producer.begin_transaction()
        self._begun = True
        for record in outgoing:
            self._produce(record)
        self._producer.send_offsets_to_transaction(list(offsets), group_metadata, _left_s(until))
        (end or self._producer.commit_transaction)(_left_s(until))
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

    def encode(self, signal: Signal) -> bytes:
        """The signal as it is published."""
        return self._records.encode(signal)


def _left_s(until: float) -> float:
    return max(0.0, until - time.monotonic())
