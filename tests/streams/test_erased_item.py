"""Which items are erased, as their receipts on the real broker say."""

import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import confluent_kafka
import pytest

from earmark.processors.codec import encode_event
from earmark.processors.content import Change, ContentEvent, Text
from earmark.processors.schema import CONTENT_EVENTS, RECEIPTS, schema_of
from earmark.streams.dead_letter import DeadLetter, Place
from earmark.streams.erased_item import ErasedItems
from earmark.streams.kafka import producer_config
from earmark.streams.local.report import silent
from earmark.streams.local.stack import Stack
from earmark.streams.receipt import Disposition, Receipt, ReceiptCodec
from earmark.streams.registry import Registry
from earmark.streams.replay.course import ReplayCourse
from earmark.streams.replay.manifest import Manifest

pytestmark = pytest.mark.kafka

Read = Callable[..., ErasedItems]


@pytest.fixture
def item() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def registry(stack: Stack) -> Iterator[Registry]:
    with Registry(stack.settings.registry) as registry:
        yield registry


@pytest.fixture
def after(stack: Stack, registry: Registry, item: str) -> Read:
    """Reads who is erased, after the item got receipts of these dispositions and revisions."""

    def read(*said: tuple[str, int]) -> ErasedItems:
        kafka = stack.settings.kafka
        codec = ReceiptCodec(registry.id_of(schema_of(RECEIPTS)) or 0, group="earmark")
        producer = confluent_kafka.Producer(producer_config(kafka))
        for disposition, revision in said:
            receipt = Receipt(content_id=item, revision=revision, disposition=disposition)
            producer.produce(RECEIPTS, codec.encode(receipt), item.encode())
        assert producer.flush(30) == 0
        return ErasedItems(kafka, registry, silent)

    return read


def event(item: str, revision: int, change: str = Change.UPDATED) -> ContentEvent:
    texts = (Text(field="title", text="x"),)
    return ContentEvent(
        event_id="e", content_id=item, revision=revision, change=change, texts=texts
    )


def letter(registry: Registry, item: str, revision: int) -> DeadLetter:
    schema_id = registry.id_of(schema_of(CONTENT_EVENTS)) or 0
    return dead(item, encode_event(event(item, revision), schema_id))


def dead(item: str, value: bytes) -> DeadLetter:
    place = Place(partition=0, offset=0)
    return DeadLetter(place=place, timestamp=0, key=item.encode(), value=value, headers=[])


def test_a_letter_that_the_deletion_supersedes_is_covered(
    registry: Registry, item: str, after: Read
) -> None:
    erased = after((Disposition.ANSWERED, 1), (Disposition.DELETED, 5))
    covered = [erased.cover(letter(registry, item, revision)) for revision in (4, 5, 6)]
    assert covered == [True, True, False]
    assert not erased.cover(letter(registry, "another", 1))
    assert not erased.cover(dead(item, b"no event"))


def test_what_comes_late_leaves_the_item_erased(registry: Registry, item: str, after: Read) -> None:
    erased = after((Disposition.DELETED, 5), (Disposition.SUPERSEDED, 5))
    assert erased.cover(letter(registry, item, 5))


def test_an_item_that_came_back_is_not_erased(registry: Registry, item: str, after: Read) -> None:
    erased = after((Disposition.DELETED, 5), (Disposition.ANSWERED, 6))
    assert not erased.cover(letter(registry, item, 4))


def test_what_is_erased_is_not_replayed(item: str, after: Read) -> None:
    manifest = Manifest(run="r", source=CONTENT_EVENTS, bounds={0: (0, 1)}, created_ms=0)
    pace: Any = SimpleNamespace(holding=False)
    erased = after((Disposition.DELETED, 5))
    course = ReplayCourse(manifest, pace, lambda: False, lambda _: 0, erased=erased)
    assert [course.wants(event(item, revision)) for revision in (5, 6)] == [False, True]
    assert course.wants(event(item, 5, Change.DELETED))
