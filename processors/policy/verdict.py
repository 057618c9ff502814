"""A verdict: the rulings of policies on one item, what they rest on, and its Avro record.

Nothing here reads a clock or keeps a history; `earmark.processors.policy.judgement` makes verdicts.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from typing import Any

from earmark.processors.wire import Record

LABEL = "label"
AGE_RATE = "age-rate"
MARK_EXPLICIT = "mark-explicit"
LIMIT = "limit"
REVIEW = "review"
NOTIFY = "notify"
EFFECTS = (LABEL, AGE_RATE, MARK_EXPLICIT, LIMIT, REVIEW, NOTIFY)
GRAVEST = 7
HUMAN = "human"  # the policy of rulings that a human made; no file may have this name

_ID_BYTES = 16
_FOUND = "value"  # of a match: no part of the id


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A condition that holds. `signal` is None where it is about the item itself.

    `value` is what was found, as text; "" where the condition denies what is not there.
    """

    signal: str | None = None
    signal_id: str | None = None
    model: str | None = None
    field: str
    operator: str
    expected: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A place in the content: milliseconds of a `time_range`, code points of a `span`."""

    signal: str
    signal_id: str
    kind: str
    field: str | None = None
    start: int | None = None
    end: int | None = None
    label: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One rule of one policy that holds; fields as in `avro/verdict.v1.avsc`."""

    policy: str
    policy_version: str
    policy_sha256: str
    rule: str
    effect: str
    value: str | None = None
    reason: str | None = None
    severity: int = 0
    regions: tuple[str, ...] = ()
    expires_at: int | None = None  # milliseconds since the epoch
    automated: bool = True
    conditions: tuple[Match, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    applied_input_types: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same ruling in two verdicts: policy, rule, effect and value."""
        return self.policy, self.rule, self.effect, self.value or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """A ruling of the verdict before that no longer holds."""

    policy: str
    policy_version: str
    rule: str
    effect: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policies make of one item; fields as in `avro/verdict.v1.avsc`."""

    content_id: str
    verdict_id: str
    tenant: str
    content_type: str
    language: str | None = None
    regions: tuple[str, ...] = ()
    revision: int
    event_time: int  # milliseconds since the epoch
    complete: bool
    effects: tuple[str, ...] = ()
    severity: int = 0
    automated: bool = True
    decision_id: str | None = None
    rulings: tuple[Ruling, ...] = ()
    retracted: tuple[Retraction, ...] = ()
    previous_verdict_id: str | None = None

    def says_the_same(self, other: "Verdict | None") -> bool:
        """Whether it differs from the other in nothing but its history.

        What a reader of verdicts would not miss need not be written again.
        """
        return other is not None and _without_history(self) == _without_history(other)


def verdict_id(content_id: str, rulings: Iterable[Ruling], decision_id: str | None) -> str:
    """The name of a verdict, 32 hex digits: the same inputs give the same on every host.

    BLAKE2b-128 over content_id, the human decision behind it and the rulings, as JSON (ASCII, no
    spaces, sorted keys). Values that were found and evidence are no part of it: scores move in
    their last digits from host to host, and evidence needs records that may not be at hand.
    """
    named = [_named(ruling) for ruling in sorted(rulings, key=lambda ruling: ruling.key)]
    text = json.dumps([content_id, decision_id, named], separators=(",", ":"), sort_keys=True)
    return blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


def verdict_record(verdict: Verdict) -> Record:
    """The verdict by the field names of `verdict.v1.avsc`."""
    return {name: _listed(value) for name, value in asdict(verdict).items()}


def verdict_of(record: Mapping[str, Any]) -> Verdict:
    """The verdict that a record of `verdicts.v1` holds: the inverse of `verdict_record`."""
    rulings = tuple(map(_ruling_of, record["rulings"]))
    retracted = tuple(Retraction(**_tupled(each)) for each in record["retracted"])
    own = {field.name: record[field.name] for field in fields(Verdict)}
    return Verdict(**_tupled({**own, "rulings": rulings, "retracted": retracted}))


def _ruling_of(record: Mapping[str, Any]) -> Ruling:
    conditions = tuple(Match(**each) for each in record["conditions"])
    evidence = tuple(Evidence(**each) for each in record["evidence"])
    return Ruling(**_tupled({**record, "conditions": conditions, "evidence": evidence}))


def _named(ruling: Ruling) -> Record:
    """What of a ruling goes into the verdict's id."""
    of_ruling = {**asdict(replace(ruling, evidence=(), applied_input_types=()))}
    of_ruling["conditions"] = [
        {name: value for name, value in match.items() if name != _FOUND}
        for match in of_ruling["conditions"]
    ]
    return of_ruling


def _without_history(verdict: Verdict) -> Verdict:
    return replace(verdict, retracted=(), previous_verdict_id=None)


def _listed(value: Any) -> Any:
    """Tuples as the lists that Avro writes, all the way down."""
    if isinstance(value, list | tuple):
        return [_listed(part) for part in value]
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items()}
    return value


def _tupled(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(it) if isinstance(it, list) else it for name, it in record.items()}
