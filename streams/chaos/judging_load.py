"""What the agents are fed with in a run: profiles, signals and decisions of many items, mixed.

Items change, some are deleted and some come back; records of one item come on several topics, in
an order that is drawn. All follows from the seed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from earmark.processors.profile import Profile, profile_signal
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, schema_of
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS

SIGNALS = ("text.safety", "text.pii", "audio.integrity")
SIGNAL_TOPICS = {name: f"signals.{name}.v1" for name in SIGNALS}
TOPICS = (PROFILES, REVIEW_DECISIONS, *SIGNAL_TOPICS.values())
KINDS = ("COMMENT", "EPISODE", "LYRICS")
BEGIN_MS = 1_795_600_000_000
MOST_REVISIONS = 3
DELETED_SHARE = 0.05
RETURN_SHARE = 0.3  # of those that were deleted
DECIDED_SHARE = 0.05
RARE = 0.15
WINDOW = 50  # items whose records are mixed

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record to be sent; without a record, a tombstone."""

    topic: str
    content_id: str
    record: Record | None


class Load:
    """The messages about `items` items, whose ids begin with `prefix`."""

    def __init__(self, items: int, *, seed: int, prefix: str = "item") -> None:
        self.items = items
        self._seed = seed
        self._prefix = prefix
        self._golden = {
            name: golden_record(avro_folder(), schema_of(topic))
            for name, topic in SIGNAL_TOPICS.items()
        }
        self._decisions = golden_record(avro_folder(), schema_of(REVIEW_DECISIONS))

    def messages(self) -> Iterator[Message]:
        """All of them, in the order in which they are to be sent."""
        for begin in range(0, self.items, WINDOW):
            numbers = range(begin, min(begin + WINDOW, self.items))
            random = np.random.default_rng([self._seed, begin])
            queues = [list(self._of_item(number)) for number in numbers]
            while any(queues):
                queue = queues[int(random.integers(len(queues)))]
                if queue:
                    yield queue.pop(0)

    def final(self) -> dict[str, list[Message]]:
        """The last message of each item on each topic, by item."""
        newest: dict[str, dict[str, Message]] = {}
        for message in self.messages():
            newest.setdefault(message.content_id, {})[message.topic] = message
        return {content_id: list(found.values()) for content_id, found in newest.items()}

    def _of_item(self, number: int) -> Iterator[Message]:
        random = np.random.default_rng([self._seed, 7, number])
        content_id = f"{self._prefix}-{number}"
        revisions = int(random.integers(1, MOST_REVISIONS + 1))
        for revision in range(1, revisions + 1):
            yield from self._of_revision(content_id, revision, random)
        if random.random() < DECIDED_SHARE:
            yield self._decided(content_id, revisions)
        if random.random() < DELETED_SHARE:
            yield from self._deleted(content_id, random)
            if random.random() < RETURN_SHARE:
                yield from self._of_revision(content_id, revisions + 1, random)

    def _of_revision(
        self, content_id: str, revision: int, random: np.random.Generator
    ) -> Iterator[Message]:
        """Signals, with the profile among them: after some of what it is made of, or before."""
        kind = KINDS[sum(map(ord, content_id)) % len(KINDS)]
        records = {name: self._signal(name, content_id, kind, revision, random) for name in SIGNALS}
        by_topic = {SIGNAL_TOPICS[name]: record for name, record in records.items()}
        by_topic[PROFILES] = _profile(content_id, kind, revision, records)
        topics = list(by_topic)
        for place in random.permutation(len(topics)).tolist():
            topic = topics[place]
            yield Message(topic=topic, content_id=content_id, record=by_topic[topic])

    def _signal(
        self, name: str, content_id: str, kind: str, revision: int, random: np.random.Generator
    ) -> Record:
        golden = self._golden[name]
        own: dict[str, Any] = {
            "content_id": content_id,
            "content_type": kind,
            "revision": revision,
            "event_time": BEGIN_MS + revision,
            "signal_id": random.bytes(16).hex(),
            "provenance": {**golden["provenance"], "input_digest": random.bytes(32).hex()},
        }
        score = float(np.round(random.random(), 4))
        if name == "text.safety":
            own["scores"] = {"harassment": score, "profanity": 1 - score}
            own["labels"] = [max(own["scores"], key=own["scores"].__getitem__)]
            own["severity"] = int(random.integers(0, 8))
            own["spans"] = [{**golden["spans"][0], "label": "harassment", "score": score}]
        elif name == "text.pii":
            own["labels"] = [label for label in ("email", "card") if random.random() < RARE]
        else:
            own["truncated"] = bool(random.random() < RARE)
        return {**golden, **own}

    def _decided(self, content_id: str, revision: int) -> Message:
        """A human says that nothing is to hold for this revision."""
        verdict = {**self._decisions["decisions"][1], "revision": revision, "effects": []}
        record = {**self._decisions, "content_id": content_id, "decisions": [verdict]}
        return Message(topic=REVIEW_DECISIONS, content_id=content_id, record=record)

    def _deleted(self, content_id: str, random: np.random.Generator) -> Iterator[Message]:
        topics = [*SIGNAL_TOPICS.values(), PROFILES]
        for place in random.permutation(len(topics)).tolist():
            yield Message(topic=topics[place], content_id=content_id, record=None)


def _profile(content_id: str, kind: str, revision: int, records: Mapping[str, Record]) -> Record:
    signals = tuple(profile_signal(name, record) for name, record in sorted(records.items()))
    profile = Profile(
        content_id=content_id,
        tenant="acme",
        source="acme.catalogue",
        content_type=kind,
        language="en",
        revision=revision,
        event_time=BEGIN_MS + revision,
        expected=tuple(sorted(SIGNALS)),
        complete=True,
        signals=signals,
    )
    return asdict(profile)
