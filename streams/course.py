"""What a worker reads next, and whether it may: live without end, a replay up to its bounds.

The worker asks its course for each record, before it begins with more, and after each round.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from confluent_kafka import Message

from earmark.processors.content import ContentEvent
from earmark.streams.flight import Flight, Partition

IsIdle = Callable[[Collection[Partition]], bool]


class Course(Protocol):
    """For the worker's own thread."""

    @property
    def bounded(self) -> bool:
        """Whether it has an end, so that the ends of partitions are to be told."""

    @property
    def holding(self) -> bool:
        """Whether nothing more is to be begun just now."""

    @property
    def ended(self) -> Collection[Partition]:
        """Partitions of which nothing more is wanted."""

    def admits(self, message: Message) -> bool:
        """Whether the record is before the end of its partition."""

    def reached(self, partition: Partition, offset: int) -> None:
        """The end of the partition was read: nothing lies before `offset` that was not seen."""

    def drop(self, partitions: Collection[Partition]) -> None:
        """These partitions go to another worker."""

    def wants(self, event: ContentEvent) -> bool:
        """Whether the event is to be answered; one that is not leaves everything as it is."""

    def published(self, flights: Sequence[Flight]) -> None:
        """These flights were committed."""

    def closing(self, is_idle: IsIdle) -> Mapping[Partition, int]:
        """Offsets to commit behind the last record of partitions that are through, each once.

        `is_idle` says of partitions whether nothing of them is on its way.
        """

    def finished(self) -> bool:
        """Whether the whole course is run."""


class Onward:
    """The course of live workers: everything, as fast as it goes, for ever."""

    bounded = False
    holding = False
    ended: Collection[Partition] = ()

    def admits(self, message: Message) -> bool:
        """All are."""
        return True

    def reached(self, partition: Partition, offset: int) -> None:
        """More will come."""

    def drop(self, partitions: Collection[Partition]) -> None:
        """Nothing is known of them."""

    def wants(self, event: ContentEvent) -> bool:
        """All are."""
        return True

    def published(self, flights: Sequence[Flight]) -> None:
        """Nothing is counted."""

    def closing(self, is_idle: IsIdle) -> Mapping[Partition, int]:
        """None are ever through."""
        return {}

    def finished(self) -> bool:
        """It has no end."""
        return False
