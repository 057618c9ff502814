"""Made signals of made items on the real topics, and the profiles that the reference gives them."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from confluent_kafka import Producer

from earmark.models.error import ServiceError
from earmark.processors.loader import load_specs
from earmark.processors.profile import gathered
from earmark.processors.release import golden_record
from earmark.processors.schema import CONTENT_EVENTS, ITEMS, PROFILES, avro_folder, schema_of
from earmark.processors.wire import Codec
from earmark.streams.flink.expected_sql import expectation
from earmark.streams.flink.standing import digest_of
from earmark.streams.kafka import producer_config
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

FLUSH_S = 60.0

Record = Mapping[str, Any]


class Catalogue:
    """Publishes records, keeps the newest of each item and topic, and knows what follows of them.

    What a record does not say is as in the golden record of its schema.
    """

    def __init__(self, settings: Settings, schema_ids: Mapping[str, int]) -> None:
        self._producer = Producer(producer_config(settings.kafka, {"linger.ms": 5}))
        self._codecs = {topic: Codec(schema_of(topic)) for topic in schema_ids}
        self._profiles = Codec(schema_of(PROFILES))
        self._ids = schema_ids
        self._golden = {
            topic: golden_record(avro_folder(), codec.schema)
            for topic, codec in self._codecs.items()
        }
        self._expected = expectation(load_specs())
        self._newest: dict[str, dict[str, Record]] = {}

    @property
    def items(self) -> Collection[str]:
        """All that ever had a record here."""
        return self._newest.keys()

    def put(self, topic: str, item: str, **fields: Any) -> None:
        """Publish the record of `item` on `topic` with these fields."""
        schema = _schema(topic)
        record = self._record(topic, item, fields)
        self._produce(topic, item, self._codecs[schema].encode(record, self._ids[schema]))
        self._newest.setdefault(item, {})[topic] = fields

    def remove(self, topic: str, item: str) -> None:
        """Publish a tombstone."""
        self._produce(topic, item, None)
        self._newest.setdefault(item, {}).pop(topic, None)

    def flush(self) -> None:
        """Wait until the broker has all; ServiceError if that takes too long."""
        if self._producer.flush(FLUSH_S):
            raise ServiceError("made signals were not acknowledged by the broker")

    def wanted(self) -> dict[str, bytes]:
        """What `standing` gives of these items once their profiles are right."""
        made = {item: self.profile(item) for item in self._newest}
        return {item: digest_of(profile) for item, profile in made.items() if profile is not None}

    def profile(self, item: str) -> Record | None:
        """The item's profile as a record; None where nothing of it is left."""
        records = {
            topic: self._record(topic, item, fields) for topic, fields in self._newest[item].items()
        }
        event = records.pop(ITEMS, None)
        signals = {
            topic.removeprefix("signals.").removesuffix(".v1"): record
            for topic, record in records.items()
        }
        expected = () if event is None else self._expected(*_parts(event))
        made = gathered(item, event, signals, expected)
        if made is None:
            return None
        return self._profiles.decode(self._profiles.encode(asdict(made), 0))

    def _record(self, topic: str, item: str, fields: Record) -> Record:
        return {**self._golden[_schema(topic)], "content_id": item, **fields}

    def _produce(self, topic: str, item: str, value: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, item.encode())
            except BufferError:
                self._producer.poll(0.1)  # the queue is full: let it drain
            else:
                self._producer.poll(0)
                return


@contextmanager
def catalogue(settings: Settings) -> Iterator[Catalogue]:
    """A catalogue on these brokers, flushed at the end."""
    topics = (*signal_topics(), CONTENT_EVENTS)
    with Registry(settings.registry) as registry:
        made = Catalogue(settings, registry.ids_for_worker(topics))
    yield made
    made.flush()


def _schema(topic: str) -> str:
    """The topic under whose schema the records of `topic` are."""
    return CONTENT_EVENTS if topic == ITEMS else topic


def _parts(event: Record) -> tuple[str, bool, bool]:
    return event["content_type"], event["audio"] is not None, bool(event["texts"])
