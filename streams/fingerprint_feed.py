"""Brings an index of fingerprints up to what stands on their topic.

The offsets up to which it has been read lie in the index itself, in the transaction of what was
read: a kill loses and repeats nothing.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from confluent_kafka import Message

from earmark.models.error import ConfigurationError
from earmark.models.fingerprint import Fingerprint
from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.schema import schema_of
from earmark.processors.signals.audio_fingerprint import ALGORITHM, VERSION
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.fingerprint_index import FingerprintIndex, IndexedItem
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import describe_cluster
from earmark.streams.topic_records import read_spans

TOPIC = "signals.audio.fingerprint.v1"
BATCH = 256  # records in a transaction of the index
TOMBSTONES_DAYS = 6  # Kafka keeps them for 7: who has not read for longer may have missed one

_CLUSTER, _FED_MS = "cluster", "fed_ms"
_DAY_MS = 86_400_000


@dataclass(slots=True, kw_only=True)
class Fed:
    """What a feed did: items added or changed, removed, and records that are of no use here."""

    added: int = 0
    removed: int = 0
    passed_over: int = 0
    from_beginning: bool = False


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What records say together; the last one of an item counts."""

    items: dict[str, IndexedItem | None] = field(default_factory=dict)  # None: to be removed
    places: dict[tuple[str, int], int] = field(default_factory=dict)


def feed(
    index: FingerprintIndex, settings: Settings, report: Progress, *, now_ms: int | None = None
) -> Fed:
    """Read the topic from where the index has it to its present end.

    From the beginning, without what came from there before, where the index was not fed for
    `TOMBSTONES_DAYS`: deletions may have been missed. Raises ConfigurationError where the index is
    fed from another cluster, ServiceError where brokers or registry do not answer.
    """
    now_ms = now_ms or time.time_ns() // 1_000_000
    cluster_id = describe_cluster(settings.kafka, lambda _: False).id
    if index.fact(_CLUSTER) not in {None, cluster_id}:
        raise ConfigurationError("the index holds the topic of another cluster: name another one")
    fed = Fed(from_beginning=now_ms - _fed_ms(index) > TOMBSTONES_DAYS * _DAY_MS)
    if fed.from_beginning:
        index.begin_again()
        index.write(facts={_CLUSTER: cluster_id, _FED_MS: str(now_ms)})
    with Registry(settings.registry) as registry, CommittedReader(settings.kafka, TOPIC) as reader:
        codec = Codec(schema_of(TOPIC), writer_schema=registry.schema_by_id)
        spans = [_resumed(span, index.places(TOPIC)) for span in reader.spans()]
        messages = read_spans(reader, spans, report)
        while batch := list(islice(messages, BATCH)):
            _write(index, batch, codec, fed)
    # of what came before it, nothing was missed
    index.write(facts={_FED_MS: str(now_ms)})
    return fed


def indexed_item(content_id: str, record: Mapping[str, Any]) -> IndexedItem | None:
    """The record's fingerprint; None where it has none, or one that does not compare with ours."""
    if record["outcome"] != "OK" or (record["algorithm"], record["version"]) != (
        ALGORITHM,
        VERSION,
    ):
        return None
    return IndexedItem(
        content_id=content_id,
        duration_ms=record["duration_ms"],
        pcm_digest=record["pcm_digest"] or "",
        fingerprint=Fingerprint.unpacked(record["hashes"], share=record["kept_share"]),
    )


def _fed_ms(index: FingerprintIndex) -> int:
    """When reading last began that came to the end, or from the beginning; 0: never."""
    return int(index.fact(_FED_MS) or 0)


def _resumed(span: Span, places: Mapping[int, int]) -> Span:
    """What of the span is still to be read; all of it where the topic has been made anew."""
    at = places.get(span.partition, span.start)
    return replace(span, start=at if span.start <= at <= span.end else span.start)


def _write(index: FingerprintIndex, messages: Iterable[Message], codec: Codec, fed: Fed) -> None:
    batch = _Batch()
    for message in messages:
        content_id = (message.key() or b"").decode(errors="replace")
        batch.items[content_id] = _item(content_id, message.value(), codec, fed)
        batch.places[TOPIC, message.partition() or 0] = (message.offset() or 0) + 1
    removed = [content_id for content_id, item in batch.items.items() if item is None]
    fed.removed += sum(content_id in index for content_id in removed)
    items = list(_present(batch.items.values()))
    fed.added += len(items)
    index.write(items, removed=removed, places=batch.places)


def _present(items: Iterable[IndexedItem | None]) -> Iterator[IndexedItem]:
    for item in items:
        if item is not None:
            yield replace(item, from_topic=True)


def _item(content_id: str, value: bytes | None, codec: Codec, fed: Fed) -> IndexedItem | None:
    if value is None:
        return None
    try:
        item = indexed_item(content_id, codec.decode(value))
    except (ContentError, ValueError):
        item = None
    fed.passed_over += item is None
    return item
