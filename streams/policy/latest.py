"""The latest record of one item on a topic where the newest of each item counts."""

from earmark.processors.codec import Codec, Record
from earmark.processors.schema import schema_of
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings


def latest(settings: Settings, topic: str, item: str) -> Record | None:
    """What the topic now holds of the item, None where that is nothing or a deletion.

    The topic is read whole. Raises ConfigurationError where there is no such topic, ContentError
    where the record cannot be read.
    """
    found: bytes | None = None
    with CommittedReader(settings.kafka, topic) as reader:
        for span in reader.spans():
            for message in reader.read(span):
                if message.key() == item.encode():
                    found = message.value()
    if found is None:
        return None
    with Registry(settings.registry) as registry:
        return Codec(schema_of(topic), writer_schema=registry.schema_by_id).decode(found)
