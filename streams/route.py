"""Which topics a worker reads and writes: the live ones, or those of a replay."""

from dataclasses import dataclass

from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    MADE_OF_ANSWERS,
    PROMOTIONS,
    dead_letter_topic,
    retry_topic,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The topics of a worker; with a `run`, all that it writes is named `replay.<run>.<topic>`.

    `source` holds the content events. What follows from an event is written to partitions of the
    same number, so that one worker has all of an item.
    """

    source: str = CONTENT_EVENTS
    run: str | None = None

    def written(self, topic: str) -> str:
        """Where records for the live `topic` go."""
        return topic if self.run is None else replay_topic(self.run, topic)

    @property
    def keeps_partitions(self) -> bool:
        """Whether an item lies in partitions of the same number on the source and the live topics.

        Topics of others may have more partitions or fewer, or other keys.
        """
        return self.source in (CONTENT_EVENTS, ITEMS, LONG_EVENTS, retry_topic(CONTENT_EVENTS))

    @property
    def retry(self) -> str:
        """Events that wait for another attempt."""
        return self.written(retry_topic(CONTENT_EVENTS))

    @property
    def long(self) -> str | None:
        """Events with long recordings; None where these are not set apart."""
        return LONG_EVENTS if self.run is None else None

    @property
    def promotions(self) -> str | None:
        """Answers of replays that are to become the live ones."""
        return PROMOTIONS if self.run is None else None

    @property
    def items(self) -> str | None:
        """The latest event of each item."""
        return ITEMS if self.run is None else None

    @property
    def made_of_answers(self) -> tuple[str, ...]:
        """What others make of an item's answers, and must not keep when it is deleted."""
        return MADE_OF_ANSWERS if self.run is None else ()

    @property
    def dead_letters(self) -> str:
        """Events that cannot be used."""
        return self.written(dead_letter_topic(CONTENT_EVENTS))

    @property
    def read(self) -> list[str]:
        """All topics that the worker reads."""
        topics = (self.source, self.retry, self.long, self.promotions)
        return [topic for topic in topics if topic is not None]


def replay_topic(run: str, topic: str) -> str:
    """The topic of a run that stands for the live `topic`."""
    return f"replay.{run}.{topic}"
