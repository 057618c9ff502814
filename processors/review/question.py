"""A question to people about one item, as `avro/review.request.v1.avsc` has it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Self

from earmark.processors.review.decision import DecidedEffect

_SEPARATOR = "\x1f"
_ID_BYTES = 16


class Reason(StrEnum):
    """Why a question is asked."""

    UNCERTAIN = "UNCERTAIN"  # a score lies near its threshold
    SEVERE = "SEVERE"  # a rule that holds is grave
    POLICY = "POLICY"  # a rule sends the item to review
    AUDIT = "AUDIT"  # drawn at random


DRAWN = frozenset({Reason.UNCERTAIN, Reason.AUDIT})  # with a known chance: fit for estimates


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing that a signal says, and that the question is about."""

    signal: str
    signal_id: str
    input_digest: str
    model: str
    field: str
    value: str
    score: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question; fields as in `avro/review.request.v1.avsc`."""

    content_id: str
    request_id: str
    tenant: str
    content_type: str
    language: str | None = None
    revision: int
    event_time: int  # milliseconds since the epoch
    reason: Reason
    queue: str
    stratum: str
    priority: float
    chance: float
    day: str
    asks: str | None = None
    said: tuple[str, ...] = ()
    policy: str | None = None
    rule: str | None = None
    verdict_id: str | None = None
    effects: tuple[DecidedEffect, ...] = ()
    subjects: tuple[Subject, ...] = ()

    @property
    def signal(self) -> str | None:
        """The signal whose field is asked for; None where the verdict is asked about."""
        return self.subjects[0].signal if self.asks is not None and self.subjects else None

    @property
    def input_digest(self) -> str | None:
        """What the signal read, where a field of it is asked for."""
        return self.subjects[0].input_digest if self.signal is not None else None

    @property
    def asked(self) -> tuple[str, ...]:
        """What its id is made of, beside the item."""
        if self.signal is not None:
            return "value", self.signal, self.asks or "", self.input_digest or ""
        return "verdict", self.policy or "", self.rule or "", str(self.revision)

    def with_chance(self, chance: float) -> Self:
        """The same question, drawn with this chance."""
        return replace(self, chance=chance)

    def record(self) -> dict[str, Any]:
        """The record of `review.requests.v1`."""
        lists = {
            "said": list(self.said),
            "effects": [asdict(effect) for effect in self.effects],
            "subjects": [asdict(subject) for subject in self.subjects],
        }
        return {**asdict(self), "reason": str(self.reason), **lists}


def question_of(record: Mapping[str, Any]) -> Question:
    """The question that a record of `review.requests.v1` holds; unknown reasons stay words."""
    reason = record["reason"]
    known = Reason(reason) if reason in Reason.__members__ else reason
    lists = {
        "said": tuple(record["said"]),
        "effects": tuple(DecidedEffect(**effect) for effect in record["effects"]),
        "subjects": tuple(Subject(**subject) for subject in record["subjects"]),
    }
    return Question(**{**record, "reason": known, **lists})


def request_id(content_id: str, asked: Sequence[str]) -> str:
    """The name of a question, 32 hex digits: BLAKE2b-128 over the parts in UTF-8, joined by 0x1F.

    `asked` is `value`, signal, field and input digest for what a signal says, and `verdict`,
    policy, rule and revision for a verdict, which holds for a revision: why it is asked has no part
    in it, so that nothing is asked a second time for another reason.
    """
    joined = _SEPARATOR.join((content_id, *asked))
    return blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).hexdigest()


def day_of(milliseconds: int) -> str:
    """The day of a time in milliseconds since the epoch, as 2026-11-26 (UTC)."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).date().isoformat()
