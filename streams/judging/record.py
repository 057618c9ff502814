"""Reads and writes the records that the agents deal in, by topic."""

from collections.abc import Iterable, Mapping
from typing import Any

from earmark.processors.codec import Codec
from earmark.processors.schema import schema_of
from earmark.processors.wire import Record
from earmark.streams.registry import Registry
from earmark.streams.topic import REVIEW_REQUESTS, VERDICTS

WRITTEN = (VERDICTS, REVIEW_REQUESTS)


class Records:
    """Avro in and out, with the schemas of a registry; `topics` are those that it knows.

    Raises ConfigurationError where the schema of what is written is not registered.
    """

    def __init__(self, registry: Registry, topics: Iterable[str]) -> None:
        self.topics = frozenset({*topics, *WRITTEN})
        self._ids = registry.ids_for_worker(WRITTEN)
        self._codecs = {
            topic: Codec(schema_of(topic), writer_schema=registry.schema_by_id)
            for topic in self.topics
        }

    def read(self, topic: str, payload: bytes) -> Record:
        """The record; raises ContentError where the bytes are none of the topic's."""
        return self._codecs[topic].decode(payload)

    def write(self, topic: str, record: Mapping[str, Any]) -> bytes:
        """The record as it is published."""
        return self._codecs[topic].encode(record, self._ids[topic])
