"""What came of each input: an answer that is whole, or what is missing of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from earmark.processors.content import ContentEvent
from earmark.processors.error import Fault, RejectionClass
from earmark.processors.expected import expected_signals
from earmark.processors.outcome import OutcomeKind
from earmark.processors.signal import SignalSpec
from earmark.streams.receipt import Disposition

WHOLE = "record"  # the part of a rejection that concerns all of it
# what these say is that nothing is to be written, or was before
_WITHOUT_SIGNALS = (Disposition.UNCHANGED, Disposition.SUPERSEDED, Disposition.DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """An input of which something is missing, doubled or strange."""

    tag: int
    detail: str


class InputTally:
    """Counts what was written for inputs with the tags from 0 to below `tags`; some bytes for each.

    The first `controls` of them are good recordings, which are not counted, but must be answered
    without any error.

    An input is answered when it has either a rejection as a whole and a dead letter, or a receipt
    and all that the receipt stands for: each signal that its event is to have, and where a part
    was rejected, the rejection and the dead letter.
    """

    def __init__(self, tags: int, specs: Mapping[str, SignalSpec], *, controls: int = 0) -> None:
        self._controls = controls
        self._specs = specs
        self._topics = [spec.topic for spec in specs.values()]
        self._signals = np.zeros((tags, len(specs)), np.uint8)
        self._failed = np.zeros(tags, np.bool_)  # one of its signals is an ERROR
        self._refused = np.zeros(tags, np.uint8)  # rejections as a whole
        self._rejected = np.zeros(tags, np.uint8)  # rejections of parts
        self._letters = np.zeros(tags, np.uint8)
        self._receipts = np.full(tags, -1, np.int8)
        self._standing = np.zeros((tags, len(specs)), np.bool_)  # by its receipt
        self._items: Counter[str] = Counter()  # receipts of each: mutated ids may meet
        self._dispositions = list(Disposition)
        self._strange: list[Offence] = []
        self.ours: list[Offence] = []  # rejected, and perhaps good: what failed is ours
        self.outcomes: Counter[str] = Counter()  # of signals
        self.classes: Counter[str] = Counter()  # of rejections

    def note_signal(self, tag: int, topic: str, record: Mapping[str, Any]) -> None:
        """A signal was written for it."""
        outcome = record["outcome"]
        self._count(self.outcomes, tag, outcome)
        self._signals[tag, self._topics.index(topic)] += 1
        self._failed[tag] |= outcome == OutcomeKind.ERROR
        if outcome not in set(OutcomeKind):
            self.note_strange(tag, f"{topic} has the outcome {outcome!r}")

    def note_rejection(self, tag: int, record: Mapping[str, Any]) -> None:
        """A rejection was."""
        name = record["rejection_class"]
        self._count(self.classes, tag, name)
        if record["fault"] == Fault.OURS:
            self.ours.append(Offence(tag=tag, detail=f"{name}: {record['reason']}"))
        counts = self._refused if record["part"] == WHOLE else self._rejected
        counts[tag] += 1
        if name not in set(RejectionClass):
            self.note_strange(tag, f"its rejection has the class {name!r}")

    def note_letter(self, tag: int, *, untouched: bool) -> None:
        """A dead letter was, with the very bytes that were sent or with others."""
        self._letters[tag] += 1
        if not untouched:
            self.note_strange(tag, "its dead letter has other bytes than were sent")

    def note_receipt(self, tag: int, record: Mapping[str, Any]) -> None:
        """A receipt was."""
        if self._receipts[tag] >= 0:
            self.note_strange(tag, "it has two receipts")
        self._receipts[tag] = self._dispositions.index(Disposition(record["disposition"]))
        self._standing[tag] = [topic in record["answers"] for topic in self._topics]
        self._items[record["content_id"]] += 1

    def note_strange(self, tag: int, detail: str) -> None:
        """Something that should not be."""
        self._strange.append(Offence(tag=tag, detail=detail))

    def was_read(self, tag: int) -> bool:
        """Whether the worker made an event of it."""
        return bool(self._receipts[tag] >= 0)

    def offences(self, tag: int, event: ContentEvent | None) -> Iterator[Offence]:
        """What is not as it should be; `event` is what it holds, if it can be read."""
        yield from (each for each in self._strange if each.tag == tag)
        for detail in self._missing(tag, event):
            yield Offence(tag=tag, detail=detail)
        if tag < self._controls and (self._failed[tag] or self._letters[tag]):
            yield Offence(tag=tag, detail="nothing is wrong with it, and it was rejected")

    def _count(self, counts: Counter[str], tag: int, name: str) -> None:
        if tag >= self._controls:
            counts[name] += 1

    def _missing(self, tag: int, event: ContentEvent | None) -> Iterator[str]:
        if self._refused[tag]:
            yield from self._of_the_refused(tag)
        elif event is None or not self.was_read(tag):
            yield "nothing came of it"
        elif self._disposition(tag) not in _WITHOUT_SIGNALS:
            yield from self._of_the_answered(tag, event)

    def _of_the_refused(self, tag: int) -> Iterator[str]:
        if self._letters[tag] != 1:
            yield f"it was rejected and has {self._letters[tag]} dead letters"
        if self._refused[tag] > 1 or self.was_read(tag) or self._signals[tag].any():
            yield "it was rejected as a whole, and more was written for it"

    def _of_the_answered(self, tag: int, event: ContentEvent) -> Iterator[str]:
        if self._disposition(tag) == Disposition.RETRIED:
            yield "it waits to be tried again"
            return
        due = expected_signals(event, self._specs)
        shared = self._items[event.content_id] > 1  # then an answer may stand from before
        for place, (name, spec) in enumerate(self._specs.items()):
            count, wanted = int(self._signals[tag, place]), int(name in due)
            stands = shared and self._standing[tag, place] and not count
            if count != wanted and not stands:
                yield f"{count} signals instead of {wanted} on {spec.topic}"
        rejected = self._disposition(tag) == Disposition.REJECTED
        if self._letters[tag] != int(rejected):
            yield f"{self._letters[tag]} dead letters instead of {int(rejected)}"
        if bool(self._rejected[tag]) != rejected or (self._failed[tag] and not rejected):
            yield "signals, rejections and receipt do not agree on what failed"

    def _disposition(self, tag: int) -> Disposition:
        return self._dispositions[int(self._receipts[tag])]
