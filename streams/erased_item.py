"""The items that are erased, by their receipts: not redriven, and not replayed."""

from collections.abc import Mapping

from earmark.models.source import Progress
from earmark.processors.codec import Codec, decode_event, event_codec
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.streams.dead_letter import DeadLetter
from earmark.streams.receipt import Disposition
from earmark.streams.registry import Registry
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic_records import read_topic

ERASED = (Disposition.DELETED, Disposition.SUPERSEDED)  # the second: by the deletion
_WORDS = tuple(word.encode() for word in ERASED)


class ErasedItems:
    """The items that were erased when this was made; their receipts are read once.

    Raises ServiceError where the brokers do not give them, or the registry does not answer.
    """

    def __init__(self, kafka: KafkaSettings, registry: Registry, report: Progress) -> None:
        self._events = event_codec(registry.schema_by_id)
        receipts = Codec(schema_of(RECEIPTS), writer_schema=registry.schema_by_id)
        self._revisions: dict[bytes, int] = {}
        for message in read_topic(kafka, kafka.receipts_topic, report):
            key, value = message.key() or b"", message.value() or b""
            # most receipts are of items that stand: they are not decoded
            record = receipts.decode(value) if any(word in value for word in _WORDS) else None
            if record is not None and is_erased(record):
                self._revisions[key] = record["revision"]
            else:
                self._revisions.pop(key, None)

    def supersede(self, event: ContentEvent) -> bool:
        """Whether the event's item was erased after it."""
        erased = self._revisions.get(event.content_id.encode(errors="surrogatepass"))
        return erased is not None and event.revision <= erased

    def cover(self, letter: DeadLetter) -> bool:
        """Whether the letter holds an event that its item's deletion supersedes."""
        if (letter.key or b"") not in self._revisions:
            return False
        try:
            return self.supersede(decode_event(letter.value or b"", self._events))
        except ContentError:
            return False


def is_erased(receipt: Mapping[str, object]) -> bool:
    """Whether the record of a receipt says that its item is erased."""
    return not receipt["answers"] and receipt["disposition"] in ERASED
