"""The course of a replay's worker: up to the frozen end of each partition, and then no further.

A partition is through when its source was read to the end, nothing of it is on its way, and nothing
waits for another attempt. Then its offsets are committed with a word that says so, which is how
other workers, `status` and a later start know. A plain offset could not: it stands at the end too
while the last event waits for another attempt.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from confluent_kafka import Message

from earmark.processors.content import Change, ContentEvent
from earmark.streams.erased_item import ErasedItems
from earmark.streams.flight import Flight, Partition, partition_of
from earmark.streams.receipt import Disposition
from earmark.streams.replay.manifest import Manifest
from earmark.streams.replay.pace import Pace
from earmark.streams.topic import ITEMS

ASK_S = 2.0  # between two looks at whether the whole run is through


class ReplayCourse:
    """The course of `manifest`; `is_through` asks Kafka whether all its partitions are.

    `retries_end` asks where a partition of the retry topic ends, with all that was ever sent to it;
    None where nobody knows just now. Events of items that were `erased` meanwhile are left out.
    """

    bounded = True

    def __init__(
        self,
        manifest: Manifest,
        pace: Pace,
        is_through: Callable[[], bool],
        retries_end: Callable[[int], int | None],
        *,
        erased: ErasedItems | None = None,
    ) -> None:
        self._manifest = manifest
        self._pace = pace
        self._is_through = is_through
        self._erased = erased
        self._retries_end = retries_end
        self._starts = {
            (manifest.source, number): start for number, (start, _) in manifest.bounds.items()
        }
        self._ends = {
            (manifest.source, number): end for number, (_, end) in manifest.bounds.items()
        }
        self._ended: set[Partition] = set()
        self._quiet: dict[Partition, int] = {}  # retry partitions that were read to their end
        self._closed: set[int] = set()
        self._asked_at = 0.0

    @property
    def holding(self) -> bool:
        """Whether live work waits, or the rate is reached."""
        return self._pace.holding

    @property
    def ended(self) -> Collection[Partition]:
        """Partitions of the source that were read to their end."""
        return self._ended

    def admits(self, message: Message) -> bool:
        """Whether the record lies within the frozen bounds, and is one.

        One before them is read where the group's offsets were forgotten: the run rested for long.
        """
        partition, offset = partition_of(message), message.offset() or 0
        if partition not in self._ends:
            self._quiet.pop(partition, None)
            return True
        if offset + 1 >= self._ends[partition]:
            self._ended.add(partition)
        is_within = self._starts[partition] <= offset < self._ends[partition]
        return is_within and not self._is_erased(message)

    def _is_erased(self, message: Message) -> bool:
        """Whether it says that the catalogue has no such item any more: there is no event in it."""
        return self._manifest.source == ITEMS and message.value() is None

    def reached(self, partition: Partition, offset: int) -> None:
        """There is nothing more in this partition now.

        A broker that has just begun to lead it may say so of the source too early.
        """
        if partition not in self._ends:
            self._quiet[partition] = offset
        elif offset >= self._ends[partition]:
            self._ended.add(partition)

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget what was known of them."""
        self._ended -= set(partitions)
        self._closed -= {number for _, number in partitions}
        for partition in partitions:
            self._quiet.pop(partition, None)

    def wants(self, event: ContentEvent) -> bool:
        """Whether the event is among those selected, and its item was not erased since."""
        if not selected(self._manifest, event):
            return False
        # a deletion among the events is the run's own to answer
        by_deletion = self._erased is not None and self._erased.supersede(event)
        return event.change == Change.DELETED or not by_deletion

    def published(self, flights: Sequence[Flight]) -> None:
        """Pay for them; what waits for another attempt ends the quiet of its partition."""
        self._pace.note(flights)
        for flight in flights:
            ruling = flight.ruling
            if ruling is not None and ruling.receipt.disposition == Disposition.RETRIED:
                self._quiet.pop((self._manifest.route.retry, flight.partition[1]), None)

    def closing(self, is_idle: Callable[[Collection[Partition]], bool]) -> Mapping[Partition, int]:
        """Offsets behind all that partitions hold which have come to be through, each once."""
        offsets: dict[Partition, int] = {}
        for source in self._ended:
            number = source[1]
            retry = (self._manifest.route.retry, number)
            if number in self._closed or retry not in self._quiet or not is_idle([source, retry]):
                continue
            # that this is the end may have been said before a retry could be read
            end = self._retries_end(number)
            if end is not None and self._quiet[retry] >= end:
                self._closed.add(number)
                offsets[source] = self._ends[source]
                offsets[retry] = self._quiet[retry]
        return offsets

    def finished(self) -> bool:
        """Whether every partition is through, also those of other workers."""
        if time.monotonic() - self._asked_at < ASK_S:
            return False
        self._asked_at = time.monotonic()
        return self._is_through()


def selected(manifest: Manifest, event: ContentEvent) -> bool:
    """Whether the event is one of those that the run is limited to."""
    types, ids = manifest.content_types, manifest.content_ids
    return (not types or event.content_type in types) and (ids is None or event.content_id in ids)
