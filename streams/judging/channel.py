"""Which topics the agents read and write, in their own name or in that of a shadow."""

from collections.abc import Iterable
from dataclasses import dataclass

from earmark.processors.schema import newest, schemas
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import (
    PROFILES,
    REVIEW_DECISIONS,
    REVIEW_REQUESTS,
    SIGNALS_PREFIX,
    VERDICTS,
)

OUTPUTS = (VERDICTS, REVIEW_REQUESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The topics of one group of agents, which reads the signals of `topics` beside the others.

    A shadow reads what all read, and writes to topics of its own: so a policy can be tried on what
    comes before it counts.
    """

    signals: tuple[str, ...]  # their topics
    shadow: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What is read to be judged, by the names of the live topics."""
        return (PROFILES, REVIEW_DECISIONS, *self.signals)

    def actual(self, topic: str) -> str:
        """The topic that is meant by the name of the live one."""
        is_own = self.shadow is not None and topic in OUTPUTS
        return f"shadow.{self.shadow}.{topic}" if is_own else topic

    def live(self, topic: str) -> str:
        """The other way round."""
        return topic.split(".", 2)[2] if topic.startswith("shadow.") else topic

    def group(self, kafka: KafkaSettings) -> str:
        """The consumer group of these agents."""
        own = "agents" if self.shadow is None else f"agents-{self.shadow}"
        return f"{kafka.group_id}-{own}"


def topics_of(signals: Iterable[str]) -> tuple[str, ...]:
    """The topics of signals by their names, those left out that have no schema here."""
    topics = {signal_of(topic): topic for topic in newest(schemas()) if is_signal(topic)}
    return tuple(sorted(topics[name] for name in signals if name in topics))


def signal_of(topic: str) -> str:
    """The name of the signal of a topic."""
    return topic.removeprefix(SIGNALS_PREFIX).rpartition(".v")[0]


def is_signal(topic: str) -> bool:
    """Whether signals are on it."""
    return topic.startswith(SIGNALS_PREFIX)
