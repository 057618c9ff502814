"""What came of each record: nothing lost, nothing twice, nothing out of order."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.processors.content import stated_digest
from earmark.processors.expected import expected_signals
from earmark.processors.identity import input_digest
from earmark.processors.signal import SignalSpec
from earmark.streams.chaos.events import REJECTED, UNREADABLE, Content, Kind
from earmark.streams.topic import CONTENT_EVENTS, REJECTIONS, dead_letter_topic

DEAD_LETTERS = dead_letter_topic(CONTENT_EVENTS)
NAMED = 5  # offences of each sort that are named; all are counted


class Fault(StrEnum):
    """What can be wrong with what came back."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    OUT_OF_ORDER = "out_of_order"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """One thing that should not be."""

    fault: Fault
    topic: str
    content_id: str
    detail: str = ""

    def __str__(self) -> str:
        said = f"{self.fault}: {self.topic} {self.content_id}"
        return f"{said} ({self.detail})" if self.detail else said


class Tally:
    """Counts what comes back of `content` for signals of these specs: two bytes for a record.

    A signal of a later revision may be absent where what it reads did not change: the answer that
    stands is not written again.
    """

    def __init__(self, content: Content, specs: Mapping[str, SignalSpec]) -> None:
        self._content = content
        self._specs = {spec.topic: spec for spec in specs.values()}
        self._seen = {
            topic: np.zeros(len(content), np.uint8)
            for topic in (*self._specs, REJECTIONS, DEAD_LETTERS)
        }
        self._newest = {topic: np.zeros(content.items, np.int8) for topic in self._specs}
        self._expected: dict[tuple[str, Kind], bool] = {}  # found out once for all of a kind
        self._due = {topic: self._due_signals(spec) for topic, spec in self._specs.items()}
        rejected = np.isin(content.kinds, list(REJECTED))
        self._due |= dict.fromkeys((REJECTIONS, DEAD_LETTERS), rejected)
        self._counts: Counter[Fault] = Counter()
        self._named: dict[Fault, list[Offence]] = defaultdict(list)

    def note_signal(self, topic: str, key: str, record: Mapping[str, Any]) -> int | None:
        """Count a signal, in the order of its partition; the number of its record, if it has one.

        `record` is empty for a tombstone, of which there should be none.
        """
        number = self._content.find(key, record.get("revision", 0))
        if number is None or not self._may_have(topic, number):
            self.note_wrong(topic, key, "nobody asked for it")
            return None
        entry = self._content.entry(number)
        if (record["content_id"], record["event_id"]) != (entry.content_id, entry.event_id):
            self.note_wrong(topic, key, "its ids are those of another event")
            return None
        if entry.revision < self._newest[topic][entry.item]:
            self._add(Fault.OUT_OF_ORDER, topic, key, f"revision {entry.revision}")
        self._newest[topic][entry.item] = max(entry.revision, self._newest[topic][entry.item])
        self._see(topic, number, key)
        return number

    def note_rejection(self, key: str, record: Mapping[str, Any]) -> None:
        """Count a rejection, and compare what it says."""
        number = self._content.find(key)
        kind = None if number is None else self._content.entry(number).kind
        if number is None or kind not in REJECTED:
            self.note_wrong(REJECTIONS, key, "nothing is wrong with its event")
            return
        self._see(REJECTIONS, number, key)
        said = (record["rejection_class"], record["part"])
        if said != REJECTED[kind]:
            self.note_wrong(REJECTIONS, key, f"{said} instead of {REJECTED[kind]}")

    def note_dead_letter(self, key: str, payload: bytes | None, sent: bytes) -> None:
        """Count a dead letter, and compare its bytes with those that were `sent`."""
        number = self._content.find(key)
        if number is None or self._content.entry(number).kind not in REJECTED:
            self.note_wrong(DEAD_LETTERS, key, "nothing is wrong with its event")
            return
        self._see(DEAD_LETTERS, number, key)
        if payload != sent:
            self.note_wrong(DEAD_LETTERS, key, "its bytes are not those that were sent")

    def note_wrong(self, topic: str, key: str, detail: str) -> None:
        """A record that is not what it should be."""
        self._add(Fault.WRONG, topic, key, detail)

    def missing(self, topic: str) -> NDArray[np.int64]:
        """The numbers of the records whose answer on this topic has not come."""
        return np.flatnonzero(self._due[topic] & (self._seen[topic] == 0))

    def close(self) -> None:
        """Everything was read: what has not come is lost."""
        for topic in self._seen:
            for number in self.missing(topic).tolist():
                entry = self._content.entry(number)
                self._add(Fault.LOST, topic, entry.content_id, f"revision {entry.revision}")

    @property
    def counts(self) -> dict[Fault, int]:
        """How often each fault was found."""
        return {fault: self._counts[fault] for fault in Fault}

    @property
    def named(self) -> list[Offence]:
        """The first few of each fault."""
        return [offence for fault in Fault for offence in self._named[fault]]

    def _see(self, topic: str, number: int, key: str) -> None:
        if self._seen[topic][number]:
            revision = self._content.entry(number).revision
            self._add(Fault.DUPLICATED, topic, key, f"revision {revision}")
        self._seen[topic][number] = 1

    def _add(self, fault: Fault, topic: str, content_id: str, detail: str) -> None:
        self._counts[fault] += 1
        if len(self._named[fault]) < NAMED:
            offence = Offence(fault=fault, topic=topic, content_id=content_id, detail=detail)
            self._named[fault].append(offence)

    def _may_have(self, topic: str, number: int) -> bool:
        kind = self._content.entry(number).kind
        if kind in UNREADABLE:
            return False
        if (topic, kind) not in self._expected:
            self._expected[topic, kind] = self._is_expected(self._specs[topic], number)
        return self._expected[topic, kind]

    def _due_signals(self, spec: SignalSpec) -> NDArray[np.bool_]:
        """For each record whether it must get the signal: the same for all of a kind."""
        due = np.zeros(len(self._content), np.bool_)
        for kind in set(Kind) - set(UNREADABLE):
            for is_later in (False, True):
                alike = (self._content.kinds == kind) & ((self._content.revisions > 1) == is_later)
                if alike.any():
                    due[alike] = self._must_have(spec, int(np.argmax(alike)))
        return due

    def _must_have(self, spec: SignalSpec, number: int) -> bool:
        if not self._is_expected(spec, number):
            return False
        entry = self._content.entry(number)
        before = self._content.find(entry.content_id, entry.revision - 1)
        return before is None or self._digest(spec, before) != self._digest(spec, number)

    def _is_expected(self, spec: SignalSpec, number: int) -> bool:
        return spec.name in expected_signals(self._content.event(number), {spec.name: spec})

    def _digest(self, spec: SignalSpec, number: int) -> str:
        event = self._content.event(number)
        return input_digest(spec, event, stated_digest(event))
