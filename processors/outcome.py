"""What comes out: signals, each with its provenance, and rejections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from sys import getsizeof
from typing import Any

from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError


class OutcomeKind(StrEnum):
    """The vocabulary of `outcome` in signal records."""

    OK = "OK"
    ABSTAINED = "ABSTAINED"  # looked, and would not say
    SKIPPED = "SKIPPED"  # expected, but gated out: no speech in it, no text in it
    ERROR = "ERROR"  # failed on this event


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a scorer says of one item, before it gets its envelope.

    `fields` holds the signal's own fields by their Avro names, for OK all of them; a field left
    out takes its schema's default.
    """

    outcome: OutcomeKind
    reason: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def ok(cls, **fields: object) -> "Result":
        """A plain answer."""
        return cls(outcome=OutcomeKind.OK, fields=fields)

    @classmethod
    def abstained(cls, reason: str, **fields: object) -> "Result":
        """Looked, and would not say; `reason` is an UPPER_CASE word others can filter by."""
        return cls(outcome=OutcomeKind.ABSTAINED, reason=reason, fields=fields)

    @classmethod
    def skipped(cls, reason: str, **fields: object) -> "Result":
        """Gated out by another signal or by the event."""
        return cls(outcome=OutcomeKind.SKIPPED, reason=reason, fields=fields)

    @classmethod
    def error(cls, reason: str) -> "Result":
        """The part that the signal reads cannot be used, or the scorer failed on it."""
        return cls(outcome=OutcomeKind.ERROR, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """From what, by what, and under which configuration an answer was made.

    Hashes are lower-case hex sha256. What the answer means depends on all fields but `device`,
    `precision` and `pipeline_version`.
    """

    input_digest: str
    model_name: str
    model_version: str
    model_sha256: str | None
    preprocessing_version: str
    taxonomy: str | None
    taxonomy_version: str | None
    thresholds_version: str | None
    config_hash: str
    pipeline_version: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One answer about one item; `name` and `major` say which signal."""

    name: str
    major: int
    signal_id: str
    event: ContentEvent
    result: Result
    provenance: Provenance
    replay_id: str | None = None

    @property
    def topic(self) -> str:
        """Where the champion's answer lives, e.g. `signals.audio.loudness.v1`."""
        return f"signals.{self.name}.v{self.major}"

    def _repr_html_(self) -> str:
        return _shown(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """What we say of an event that could not be used, wholly or in a part.

    `event` is None where the record could not be read.
    """

    event: ContentEvent | None
    error: ContentError

    def _repr_html_(self) -> str:
        return _shown(self)


Outcome = Signal | Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All outcomes of one event; none for an event that deletes its item."""

    event: ContentEvent
    outcomes: tuple[Outcome, ...]


def _shown(outcome: Outcome) -> str:
    """What a notebook shows of one outcome; of many see `earmark.show`."""
    from earmark.processors.portrait.portrait import show  # it knows these types

    return show(outcome)._repr_html_()


_PLAIN = frozenset({str, float, int, bool, bytes, type(None)})
ENVELOPE_BYTES = 2_000  # a signal without its event and its own fields


def held_bytes(outcome: Outcome) -> int:
    """About how much memory the outcome takes, beside its event."""
    if isinstance(outcome, Signal):
        return ENVELOPE_BYTES + _bytes_of(outcome.result.fields)
    return ENVELOPE_BYTES + _bytes_of(outcome.error.reason)


def _bytes_of(value: Any) -> int:
    """Plain values first and by exact type: it is asked of each field of each answer."""
    size = getsizeof(value)
    if type(value) in _PLAIN:
        return size
    if isinstance(value, Mapping):
        return size + sum(map(_bytes_of, value.values()))
    return size + (sum(map(_bytes_of, value)) if isinstance(value, list | tuple) else 0)
