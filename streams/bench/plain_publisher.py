"""The baseline of `transactions`: the same records, then the offsets, in no transaction."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, Producer

from earmark.streams.assembly import worker_name
from earmark.streams.error import TransactionError
from earmark.streams.flight import Flight, offsets_behind
from earmark.streams.kafka import TRANSACTIONAL, producer_config
from earmark.streams.publisher import Publisher
from earmark.streams.route import Route
from earmark.streams.settings import Settings

FLUSH_S = 30.0


class PlainPublisher(Publisher):
    """Publishes each flight at least once: a worker that dies in between does it again.

    It is set as the publisher is, but for the transaction, and commits through the worker's own
    `consumer`, in order and acknowledged, before the worker goes on.
    """

    def __init__(
        self, settings: Settings, schema_ids: Mapping[str, int], route: Route, consumer: Consumer
    ) -> None:
        super().__init__(settings, schema_ids, worker=worker_name(settings), route=route)
        own = {name: value for name, value in TRANSACTIONAL.items() if "transaction" not in name}
        own |= {"enable.idempotence": True}
        self._producer = Producer(producer_config(settings.kafka, own))
        self._consumer = consumer

    def start(self) -> None:
        """Nothing is claimed."""

    def publish(self, flights: Sequence[Flight], group_metadata: object) -> None:
        """Produce all, wait until it is acknowledged, commit; raises TransactionError."""
        del group_metadata  # the consumer is the member itself
        outgoing = [record for flight in flights for record in self._records.of(flight)]
        for record in outgoing:
            self._produce(record)
        if self._producer.flush(FLUSH_S):
            raise TransactionError(f"not all was acknowledged in {FLUSH_S:g} s")
        self._consumer.commit(offsets=offsets_behind(flights), asynchronous=False)


class SwitchedPublisher(Publisher):
    """Publishes in transactions, or while it is `plain`, without them."""

    def __init__(
        self, settings: Settings, schema_ids: Mapping[str, int], route: Route, consumer: Consumer
    ) -> None:
        super().__init__(settings, schema_ids, worker=worker_name(settings), route=route)
        self._plainly = PlainPublisher(settings, schema_ids, route, consumer)
        self.plain = False

    def publish(self, flights: Sequence[Flight], group_metadata: object) -> None:
        """As the switch stands; raises TransactionError either way."""
        if self.plain:
            self._plainly.publish(flights, group_metadata)
        else:
            super().publish(flights, group_metadata)
