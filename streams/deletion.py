"""Erases items: sends the events that delete them, and waits for the workers' answers."""

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from earmark.models.source import Progress
from earmark.processors.codec import Codec, Record
from earmark.processors.content import Change, ContentEvent
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.erasure_trace import TopicTraces, Tracer, erased_revision, last_of
from earmark.streams.kafka import BY_KEY
from earmark.streams.local.report import silent
from earmark.streams.producer import Producer
from earmark.streams.receipt import NOT_ANSWERED
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic_records import read_spans

SOURCE = "earmark erase"
POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The event that deletes an item, and the partitions that it goes to.

    `before` is the revision up to which the item was erased already, NOT_ANSWERED if it was not.
    """

    event: ContentEvent
    partitions: tuple[int, ...] = (BY_KEY,)
    before: int = NOT_ANSWERED

    @property
    def content_id(self) -> str:
        """The item."""
        return self.event.content_id

    @property
    def repeated(self) -> bool:
        """Whether the item was erased before."""
        return self.before != NOT_ANSWERED


def deletions(settings: Settings, items: Collection[str], report: Progress) -> list[Deletion]:
    """What would delete each of the items, above the revisions that its receipts tell of.

    It goes to the partitions where the item has receipts: a producer that partitions otherwise may
    have put its events elsewhere than its key says. Raises ServiceError where brokers or registry
    do not answer.
    """
    with Registry(settings.registry) as registry:
        receipts = Tracer(settings.kafka, registry, report).receipts(items)
    return [_deletion(item, receipts, now_us=time.time_ns() // 1000) for item in items]


def _deletion(item: str, receipts: Sequence[TopicTraces], *, now_us: int) -> Deletion:
    last = [trace for traces in receipts for trace in last_of(traces.records.get(item, []))]
    known = max((trace.revision or 0 for trace in last), default=0)
    event = ContentEvent(
        event_id=str(uuid.uuid4()),
        content_id=item,
        revision=max(now_us, known + 1),
        change=Change.DELETED,
        event_time=now_us // 1000,
        source=SOURCE,
    )
    return Deletion(
        event=event,
        partitions=tuple(sorted({trace.partition for trace in last})) or (BY_KEY,),
        before=erased_revision(receipts, item),
    )


class Erasure:
    """Sends deletions and follows the receipts of the group that `settings` name.

    For one thread, in a `with` block. Raises ServiceError where the brokers do not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = ExitStack()
        registry = self._open.enter_context(Registry(settings.registry))
        self._codec = Codec(schema_of(RECEIPTS), writer_schema=registry.schema_by_id)
        receipts = CommittedReader(settings.kafka, settings.kafka.receipts_topic)
        self._receipts = self._open.enter_context(receipts)
        self._read = self._receipts.spans()

    def __enter__(self) -> "Erasure":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._open.close()

    def send(self, deletions: Collection[Deletion]) -> None:
        """Send the events; returns when the brokers have them."""
        with Producer(self._settings) as producer:
            for each in deletions:
                for partition in each.partitions:
                    producer.send(each.event, partition=partition)

    def wait(self, deletions: Collection[Deletion], seconds: float) -> dict[str, str]:
        """Wait until all are answered, at most so long; why the others are not, by item."""
        answered: dict[str, set[int]] = defaultdict(set)  # partitions, by event
        overtaken: dict[str, int] = {}  # the revision that was answered before, by event
        deadline = time.monotonic() + seconds
        while True:
            for partition, receipt in self._new_receipts():
                answered[receipt["event_id"]].add(partition)
                if receipt["last_event_id"] != receipt["event_id"]:
                    overtaken[receipt["last_event_id"]] = receipt["revision"]
            left = [
                each
                for each in deletions
                if len(answered[each.event.event_id]) < len(each.partitions)
            ]
            over = all(each.event.event_id in overtaken for each in left)
            if over or time.monotonic() >= deadline:
                return {
                    each.content_id: _reason(overtaken.get(each.event.event_id), seconds)
                    for each in left
                }
            time.sleep(POLL_S)

    def _new_receipts(self) -> list[tuple[int, Record]]:
        """What has come since the last call, with its partition."""
        spans = self._receipts.spans()
        ends = {span.partition: span.end for span in self._read}
        self._read = spans
        new = [
            replace(span, start=min(max(span.start, ends.get(span.partition, 0)), span.end))
            for span in spans
        ]
        found = [(m.partition() or 0, m.value()) for m in read_spans(self._receipts, new, silent)]
        return [(number, self._codec.decode(value)) for number, value in found if value is not None]


def _reason(overtaken: int | None, seconds: float) -> str:
    if overtaken is not None:
        return f"revision {overtaken} was answered meanwhile; erase it again"
    return f"no worker has answered the deletion in {seconds:g} s"
