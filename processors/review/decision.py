"""What people decided about an item: one record that grows, and which decision in it holds.

- About what should hold of a revision, the newest VERDICT does. (AGREE with a verdict is on record,
  and changes nothing.)
- About what a signal says of an input, each annotator has one vote, his newest VALUE or AGREE for
  that signal, field and input digest. The values that most of them gave hold; of values with as
  many votes each, those that were given last.

A decision that comes twice, in any order, is one decision. A newer one under the same id takes its
place, and WITHDRAWN leaves its name, so that it does not come back.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Self

from earmark.models.error import ConfigurationError

LONGEST_NOTE = 2_000  # characters
MOST_VALUES = 100
MOST_DECISIONS = 500  # of one item: its record stays below what brokers take

_SEPARATOR = "\x1f"
_LONGEST_WORD = 300


class Kind(StrEnum):
    """What a decision is."""

    VERDICT = "VERDICT"
    VALUE = "VALUE"
    AGREE = "AGREE"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedEffect:
    """An effect that a human wants to hold."""

    effect: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision of a human; fields as in `avro/review.decision.v1.avsc`."""

    decision_id: str
    request_id: str | None = None
    annotator: str
    decided_at: int  # milliseconds since the epoch
    kind: str
    signal: str | None = None
    signal_id: str | None = None
    input_digest: str | None = None
    revision: int | None = None
    field: str | None = None
    values: tuple[str, ...] = ()
    effects: tuple[DecidedEffect, ...] = ()
    note: str | None = None
    reason: str | None = None
    stratum: str | None = None
    chance: float | None = None

    @property
    def answers(self) -> tuple[str, str, str] | None:
        """Signal, field and input digest that it is a vote on; None where it is about a verdict."""
        if self.signal is None or self.field is None or self.input_digest is None:
            return None
        return self.signal, self.field, self.input_digest

    @property
    def moment(self) -> tuple[int, str]:
        """What decisions are ordered by."""
        return self.decided_at, self.decision_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """All decisions about one item, sorted by their moment; as `review.decision.v1.avsc`."""

    content_id: str
    decisions: tuple[Decision, ...] = ()

    def added(self, decision: Decision) -> Self:
        """The record with the decision in it; the same record where it is there already.

        Raises ConfigurationError where the item has as many decisions as a record may hold.
        """
        by_id = {each.decision_id: each for each in self.decisions}
        before = by_id.get(decision.decision_id)
        by_id[decision.decision_id] = decision if before is None else _newer(before, decision)
        if len(by_id) > MOST_DECISIONS:
            raise ConfigurationError(
                f"{self.content_id}: {MOST_DECISIONS} decisions are as many as an item may have"
            )
        return replace(self, decisions=tuple(sorted(by_id.values(), key=_moment)))

    def settles(self, signal: str, field: str, input_digest: str) -> bool:
        """Whether it is known what the signal should say of this input."""
        return self.value(signal, field, input_digest) is not None

    def settles_verdict(self, revision: int) -> bool:
        """Whether someone has said what holds for this revision, or agreed with its verdict."""
        return any(
            each.revision == revision and each.kind in (Kind.VERDICT, Kind.AGREE)
            for each in self.decisions
            if each.answers is None
        )

    def verdict(self, revision: int) -> Decision | None:
        """The decision on what holds for this revision: the newest VERDICT."""
        found = [
            each
            for each in self.decisions
            if each.kind == Kind.VERDICT and each.revision == revision
        ]
        return found[-1] if found else None

    def value(self, signal: str, field: str, input_digest: str) -> Decision | None:
        """The decision on what the signal should say of this input: that of the majority."""
        return _majority(self.votes(signal, field, input_digest))

    def votes(self, signal: str, field: str, input_digest: str) -> tuple[Decision, ...]:
        """The newest decision of each annotator on this, the oldest first."""
        asked = (signal, field, input_digest)
        newest = {each.annotator: each for each in self.standing if each.answers == asked}
        return tuple(sorted(newest.values(), key=_moment))

    @property
    def standing(self) -> tuple[Decision, ...]:
        """Those that were not withdrawn."""
        return tuple(each for each in self.decisions if each.kind != Kind.WITHDRAWN)

    @property
    def in_force(self) -> tuple[Decision, ...]:
        """Those that hold: one for each revision, and one for each signal, field and input."""
        revisions = {each.revision for each in self.decisions if each.kind == Kind.VERDICT}
        verdicts = (self.verdict(revision) for revision in revisions if revision is not None)
        asked = {each.answers for each in self.standing}
        values = (self.value(*each) for each in asked if each is not None)
        held = (each for each in (*verdicts, *values) if each is not None)
        return tuple(sorted(held, key=_moment))

    def record(self) -> dict[str, Any]:
        """The record of `review.decisions.v1`."""
        return {
            "content_id": self.content_id,
            "decisions": [decision_record(each) for each in self.decisions],
        }


def decisions_of(record: Mapping[str, Any]) -> Decisions:
    """The decisions that a record of `review.decisions.v1` holds."""
    found = sorted(map(decision_of, record["decisions"]), key=_moment)
    return Decisions(content_id=record["content_id"], decisions=tuple(found))


def decision_of(record: Mapping[str, Any]) -> Decision:
    """The decision that an entry of such a record holds; what it does not know is left out."""
    known = {each.name: record[each.name] for each in fields(Decision) if each.name in record}
    effects = tuple(DecidedEffect(**effect) for effect in known.get("effects", ()))
    return Decision(**{**known, "values": tuple(known.get("values", ())), "effects": effects})


def decision_record(decision: Decision) -> dict[str, Any]:
    """The entry of a record of `review.decisions.v1`."""
    effects = [asdict(effect) for effect in decision.effects]
    values = list(decision.values)
    return {**asdict(decision), "kind": str(decision.kind), "values": values, "effects": effects}


def decision_id(*parts: str) -> str:
    """The name of a decision, 32 hex digits: BLAKE2b-128 over the parts in UTF-8, joined by 0x1F.

    What brings decisions in gives parts that are the same when it brings the same one again.
    """
    joined = _SEPARATOR.join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=16).hexdigest()


def checked(decision: Decision) -> Decision:
    """The decision, its values each once and labels sorted, as it may be written.

    Raises ConfigurationError, one line that says what is missing or too long.
    """
    for problem in _problems(decision):
        raise ConfigurationError(f"decision {decision.decision_id}: {problem}")
    several = decision.field == "labels"
    values = tuple(sorted(set(decision.values))) if several else decision.values
    return replace(
        decision, values=values, effects=tuple(sorted(set(decision.effects), key=_words))
    )


def _problems(decision: Decision) -> Iterator[str]:
    about_signal = decision.answers is not None
    if not decision.annotator or "@" in decision.annotator:
        yield "an annotator is named by a name, not by an address"
    match decision.kind:
        case Kind.VERDICT if decision.revision is None or about_signal:
            yield "a VERDICT names the revision that it is about, and no signal"
        case Kind.VALUE if not about_signal:
            yield "a VALUE names signal, field and input_digest"
        case Kind.VALUE | Kind.AGREE if (
            about_signal and decision.field != "labels" and len(decision.values) != 1
        ):
            yield f"{decision.field} has one value"
        case Kind.AGREE if not about_signal and decision.revision is None:
            yield "AGREE names signal, field and input_digest, or the revision of a verdict"
        case kind if kind not in Kind.__members__:
            yield f"kind {kind!r} is none of {', '.join(Kind)}"
    if decision.decided_at < 0:
        yield "it was decided before 1970"
    if len(decision.note or "") > LONGEST_NOTE:
        yield f"its note has more than {LONGEST_NOTE:,} characters"
    if len(decision.values) > MOST_VALUES or len(decision.effects) > MOST_VALUES:
        yield f"more than {MOST_VALUES} values or effects"
    words = (*decision.values, decision.annotator, *(each.effect for each in decision.effects))
    if any(not word or len(word) > _LONGEST_WORD for word in words):
        yield f"a value is empty, or longer than {_LONGEST_WORD} characters"


def _majority(votes: Iterable[Decision]) -> Decision | None:
    """The newest of the decisions for the values that have most votes."""
    given = list(votes)
    counts = Counter(_ballot(each) for each in given)
    return max(given, key=lambda each: (counts[_ballot(each)], each.moment), default=None)


def _ballot(decision: Decision) -> tuple[str, ...]:
    return tuple(sorted(decision.values))


def _newer(one: Decision, other: Decision) -> Decision:
    """The later of two under one id; of two at once always the same, whichever came first."""
    return max(one, other, key=lambda each: (each.decided_at, _canonical(each)))


def _canonical(decision: Decision) -> str:
    return json.dumps(decision_record(decision), sort_keys=True)


def _moment(decision: Decision) -> tuple[int, str]:
    return decision.moment


def _words(effect: DecidedEffect) -> tuple[str, str]:
    return effect.effect, effect.value or ""
