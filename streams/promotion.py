"""Answers of a replay on their way to the live topics, by the hand of the live workers.

Only the worker that owns an item may say which of its answers stands. So `earmark replay promote`
writes answers to `content.promotions.v1`, in the partition of their items, and the worker that
owns it takes them up between its events: it looks at the item's receipt and publishes what no
newer answer has overtaken, in one transaction with the receipt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from confluent_kafka import Message

from earmark.processors.codec import Codec, Record
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.identity import AnswerKey
from earmark.processors.schema import schema_of
from earmark.processors.wire import WriterSchema
from earmark.streams.header import Headers, headers_of
from earmark.streams.receipt import Receipt
from earmark.streams.topic import signal_topics

PROMOTE_TO = "earmark.promote-to"  # the live topic of the answer
PARTITION = "earmark.partition"  # of the item's events, on answers of a replay

ReadPromotion = Callable[[Message], "Promotion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One answer of a replay: `payload` is its record, to be published on `topic` as it is."""

    topic: str
    content_id: str
    revision: int
    key: AnswerKey
    payload: bytes = field(repr=False)
    record: Record = field(default_factory=dict, repr=False)  # what the payload holds
    headers: Headers = field(repr=False)

    def overtaken(self, standing: Receipt | None) -> bool:
        """Whether what stands of the item is newer than this answer, or is this answer.

        An answer about an older revision still counts where the newer one left its input as it
        was. Of an item that was erased nothing stands, and its receipt is newer than any answer.
        """
        if standing is None:
            return False
        current = standing.answers.get(self.topic)
        if current is not None and current.input_digest == self.key.input_digest:
            return current == self.key
        return standing.revision > self.revision

    def promoted(self, standing: Receipt | None) -> Receipt:
        """The item's receipt once this answer stands; the event that it names stays the same."""
        before = standing or Receipt(content_id=self.content_id)
        return replace(before, answers={**before.answers, self.topic: self.key})


def promotion_reader(writer_schema: WriterSchema) -> ReadPromotion:
    """Reads promotions; raises ContentError with part `record` for what is none."""
    codecs = {
        topic: Codec(schema_of(topic), writer_schema=writer_schema) for topic in signal_topics()
    }
    return lambda message: _promotion(message, codecs)


def _promotion(message: Message, codecs: Mapping[str, Codec]) -> Promotion:
    headers = headers_of(message)
    named = next((value for name, value in headers if name == PROMOTE_TO), None)
    topic = named.decode(errors="replace") if isinstance(named, bytes) else ""
    if topic not in codecs:
        reason = f"a promotion to {topic!r}, which is no topic of signals"
        raise ContentError(RejectionClass.RECORD_INVALID, reason, part="record")
    payload = message.value() or b""
    record = codecs[topic].decode(payload)
    provenance = record["provenance"]
    return Promotion(
        topic=topic,
        content_id=record["content_id"],
        revision=record["revision"],
        key=AnswerKey(
            input_digest=provenance["input_digest"], config_hash=provenance["config_hash"]
        ),
        payload=payload,
        record=record,
        headers=[*_own(headers), ("ce_type", topic.encode())],
    )


def _own(headers: Headers) -> Headers:
    """Those that the answer has on the live topic as well."""
    others = (PROMOTE_TO, PARTITION, "ce_type")
    return [(name, value) for name, value in headers if name not in others]
