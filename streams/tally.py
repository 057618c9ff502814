"""What a run of sample content should give, what has come of it, and how long each answer took."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from earmark.processors.content import ContentEvent
from earmark.processors.expected import expected_signals
from earmark.processors.signal import SignalSpec

Expected = tuple[str, str]  # signal topic, content_id


def expected_of(
    events: Iterable[ContentEvent], specs: Mapping[str, SignalSpec]
) -> frozenset[Expected]:
    """Every answer that these events should get."""
    return frozenset(
        (specs[name].topic, event.content_id)
        for event in events
        for name in expected_signals(event, specs)
    )


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts what comes back; `sent_ms` is when the broker took each event, by content_id.

    Latency is broker time to broker time: from the event's append to the signal's.
    """

    expected: frozenset[Expected]
    events: int
    rejections_expected: int
    dead_letters_expected: int
    sent_ms: Mapping[str, int]
    awaited: frozenset[Expected] = frozenset()  # summaries, of which the last one counts
    rejections: int = 0
    dead_letters: int = 0
    repeated: int = 0
    _seen: set[Expected] = field(default_factory=set)
    _outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _summaries: dict[Expected, str] = field(default_factory=dict)
    _whole: set[Expected] = field(default_factory=set)
    _arrived_ms: list[tuple[str, int]] = field(default_factory=list)

    def note_signal(self, topic: str, content_id: str, outcome: str, at_ms: int) -> int | None:
        """Count one signal that the broker took at `at_ms`; its latency in milliseconds.

        None for a signal that is not of this run, or whose event has not been read back yet.
        """
        if (topic, content_id) not in self.expected:
            return None
        if (topic, content_id) in self._seen:
            self.repeated += 1
        self._seen.add((topic, content_id))
        self._outcomes[topic][outcome] += 1
        self._arrived_ms.append((content_id, at_ms))
        return at_ms - self.sent_ms[content_id] if content_id in self.sent_ms else None

    def note_summary(
        self, topic: str, content_id: str, outcome: str, at_ms: int, *, whole: bool
    ) -> int | None:
        """Count a record that takes the place of the one before; its latency as above."""
        self._summaries[topic, content_id] = outcome
        (self._whole.add if whole else self._whole.discard)((topic, content_id))
        return at_ms - self.sent_ms[content_id] if content_id in self.sent_ms else None

    @property
    def missing(self) -> Collection[Expected]:
        """Answers that have not come, and summaries that are not whole."""
        return (self.expected - self._seen) | (self.awaited - self._whole)

    @property
    def complete(self) -> bool:
        """Whether everything has come."""
        return (
            not self.missing
            and self.rejections >= self.rejections_expected
            and self.dead_letters >= self.dead_letters_expected
        )

    @property
    def exact(self) -> bool:
        """Whether everything has come, once."""
        return (
            self.complete
            and not self.repeated
            and self.rejections == self.rejections_expected
            and self.dead_letters == self.dead_letters_expected
        )

    @property
    def signals(self) -> int:
        """How many signals have come."""
        return sum(outcomes.total() for outcomes in self._outcomes.values())

    def summary(self, seconds: float) -> dict[str, object]:
        """The run in numbers; `seconds` is from the first event sent to the last answer read."""
        counts = {**self._outcomes}
        for (topic, _), outcome in self._summaries.items():
            counts.setdefault(topic, Counter())[outcome] += 1
        return {
            "events": self.events,
            "signals": {topic: dict(counts[topic]) for topic in sorted(counts)},
            "rejections": self.rejections,
            "dead_letters": self.dead_letters,
            "seconds": round(seconds, 3),
            "latency_ms": {"p50": self._latency(50), "p95": self._latency(95)},
        }

    def _latency(self, percentile: float) -> int | None:
        known = [at - self.sent_ms[item] for item, at in self._arrived_ms if item in self.sent_ms]
        return round(float(np.percentile(known, percentile))) if known else None
