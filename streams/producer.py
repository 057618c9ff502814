"""Sends content events to Kafka, checked and encoded as the contract has it."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Self

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, Message

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.codec import EVENT_BYTES, encode_event
from earmark.processors.content import ContentEvent, text_errors, validated
from earmark.processors.error import ContentError
from earmark.streams.broker_error import kafka_error
from earmark.streams.endpoint import endpoint
from earmark.streams.header import Headers, cloud_event_headers
from earmark.streams.kafka import BY_KEY, producer_config
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS

DELIVERY_S = 30.0  # from `send` to the broker's acknowledgement
ANSWER_S = 10.0  # for the broker to be reached
PARTING_S = 5.0  # for what was sent when a block ends with an error
_SERVE_S = 0.2
_QUEUE_KILOBYTES = 65_536  # of events that wait to be sent; librdkafka's own limit is a gigabyte
_HEADROOM_BYTES = 100_000  # key, headers and framing beside the payload
_NO_HEADERS: Mapping[str, bytes] = {}


class Producer:
    """A producer of content events; use it as a context manager, which flushes at the end.

        with earmark.Producer() as producer:
            producer.send(event)

    It reaches the brokers and registry of `settings`, or those that are named; without either, a
    local stack that runs. It registers no schema. Sends are idempotent: a retry is no second
    event. `delivered` counts what the brokers acknowledged; `cluster_id` names their cluster.

    Raises ServiceError where brokers or registry cannot be reached, and ConfigurationError where
    topic or schema are missing.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        bootstrap_servers: str | None = None,
        registry_url: str | None = None,
    ) -> None:
        settings = endpoint(
            settings, bootstrap_servers=bootstrap_servers, registry_url=registry_url
        )
        self._servers = settings.kafka.bootstrap_servers
        self._producer = confluent_kafka.Producer(
            producer_config(settings.kafka, {**_OWN, "delivery.timeout.ms": int(DELIVERY_S * 1000)})
        )
        self.cluster_id = self._check_topic()
        with Registry(settings.registry) as registry:
            self._schema_id = registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS]
        self._failure: ServiceError | None = None
        self.delivered = 0

    def send(
        self,
        event: ContentEvent,
        *,
        headers: Mapping[str, bytes] = _NO_HEADERS,
        on_delivered: Callable[[], None] | None = None,
        partition: int = BY_KEY,
    ) -> None:
        """Queue the event, under its `content_id` as key, which says where it goes.

        `partition` is for an item whose events lie elsewhere. `headers` (such as `traceparent`) go
        with those of CloudEvents. `on_delivered` is called when the brokers have acknowledged this
        event, within a later `send`, `serve` or `flush`. Raises ContentError for an event that no
        worker could read: RECORD_INVALID, RECORD_TOO_LARGE, or for a text that is the cause
        TEXT_TOO_LONG or TEXT_INVALID. Raises ServiceError when an earlier event was not delivered.
        """
        payload = encoded(event, self._schema_id)
        own = cloud_event_headers(
            ce_id=event.event_id,
            ce_source=event.source,
            ce_type=CONTENT_EVENTS,
            time_ms=event.event_time,
        )
        record = (payload, event.content_id.encode(), partition)
        self._produce(*record, [*own, *headers.items()], on_delivered)
        self._raise_failure()

    def serve(self, timeout_s: float) -> int:
        """Take the brokers' acknowledgements, for so long at most; how many are still to come.

        Raises ServiceError when an event was not delivered.
        """
        self._producer.poll(timeout_s)
        self._raise_failure()
        return len(self._producer)

    def flush(self, timeout_s: float = DELIVERY_S + ANSWER_S) -> None:
        """Wait until all that was sent is acknowledged; raises ServiceError if it is not."""
        deadline = time.monotonic() + timeout_s
        while (left := self._producer.flush(_SERVE_S)) and time.monotonic() < deadline:
            self._raise_failure()
        self._raise_failure()
        if left:
            raise ServiceError(f"{left} events were not acknowledged in {timeout_s:g} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self.flush()
        else:
            # what was sent is given a moment to arrive, so that it is known of each if it did
            self._producer.flush(PARTING_S)
            self._producer.purge()

    def _produce(
        self,
        payload: bytes,
        key: bytes,
        partition: int,
        headers: Headers,
        on_delivered: Callable[[], None] | None,
    ) -> None:
        on_delivery = partial(self._on_delivery, then=on_delivered)
        while True:
            try:
                self._producer.produce(
                    CONTENT_EVENTS,
                    payload,
                    key,
                    partition,
                    headers=headers,
                    on_delivery=on_delivery,
                )
            except BufferError:
                self._producer.poll(0.1)  # the queue is full: let it drain
            except KafkaException as error:
                raise kafka_error(self._servers, error) from error
            else:
                self._producer.poll(0)
                return

    def _on_delivery(
        self, error: KafkaError | None, message: Message, *, then: Callable[[], None] | None
    ) -> None:
        if error is None:
            self.delivered += 1
            if then is not None:
                then()
        elif self._failure is None:
            key = (message.key() or b"").decode()
            self._failure = ServiceError(f"event of {key} was not delivered: {error.str()}")

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _check_topic(self) -> str:
        """The id of the cluster, where it has the topic."""
        try:
            found = self._producer.list_topics(CONTENT_EVENTS, timeout=ANSWER_S)
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error
        if (problem := found.topics[CONTENT_EVENTS].error) is not None:
            raise ConfigurationError(
                f"topic {CONTENT_EVENTS} at {self._servers}: {problem.str()}; "
                "run `earmark topics create`"
            )
        return str(found.cluster_id)


def encoded(event: ContentEvent, schema_id: int) -> bytes:
    """The event as the value of its record; raises ContentError if no worker could read it."""
    try:
        return encode_event(validated(event), schema_id)
    except ContentError as error:
        # the text that makes the record impossible says more than the record
        raise next(iter(text_errors(event).values()), error) from error


_OWN: Mapping[str, object] = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "queue.buffering.max.kbytes": _QUEUE_KILOBYTES,
    "message.max.bytes": EVENT_BYTES + _HEADROOM_BYTES,
}
