"""Records as the brokers give them, and an index that holds them, without brokers."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.subscription.name import name_of
from earmark.streams.testing.record import Sample, records
from earmark.streams.topic import ITEMS
from earmark.streams.web.index.change import Changes
from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.index.reader import IndexReader

_offsets = count()


def event(content_id: str, *texts: tuple[str, str], **changes: Any) -> Sample:
    """The item's event, as it lies on the topic of items."""
    given = [{"field": name, "text": text, "language": "en"} for name, text in texts]
    (made,) = records("content.events.v1", content_id=content_id, texts=given, **changes)
    return Sample(name=ITEMS, topic=ITEMS, key=content_id, record=made.record)


def signal(name: str, content_id: str, outcome: str = "OK", **changes: Any) -> Sample:
    return records(name, outcome, content_id=content_id, **changes)[0]


def gone(content_id: str, topic: str = ITEMS) -> Sample:
    return Sample(name=topic, topic=topic, key=content_id, record=None)


def received(sample: Sample, *, at_ms: int) -> ReceivedSignal:
    return ReceivedSignal(
        name=name_of(sample.topic),
        topic=sample.topic,
        key=sample.key,
        record=sample.record or {},
        deleted=sample.record is None,
        partition=0,
        offset=next(_offsets),
        timestamp=at_ms,
    )


def put(index: IndexFile, *samples: Sample, at_ms: int = 1_000) -> None:
    """Apply them in one transaction, a millisecond from one to the next."""
    with index.transaction():
        changes = Changes(index)
        for number, sample in enumerate(samples):
            changes.apply(received(sample, at_ms=at_ms + number))
        changes.finish()


@contextmanager
def reading(index: IndexFile) -> Iterator[IndexReader]:
    reader = IndexReader(index.path)
    try:
        yield reader
    finally:
        reader.close()


def held(path: Path) -> bytes:
    """What stands in the file, and beside it."""
    return b"".join(it.read_bytes() for it in sorted(path.parent.glob(f"{path.name}*")))
