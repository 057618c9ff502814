"""What an audit says of an event: the states, and how they follow from what was found of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class AuditState(StrEnum):
    """What has become of an event."""

    COMPLETE = "COMPLETE"  # every signal that was expected is there
    REJECTED = "REJECTED"  # answered by a rejection: nothing of it could be used
    SUPERSEDED = "SUPERSEDED"  # a later revision was answered
    ERASED = "ERASED"  # the item is deleted, and no answer stands
    MOVING = "MOVING"  # answered while the audit read
    UNANSWERED = "UNANSWERED"  # no worker has answered it
    MISSING = "MISSING"  # answered, but signals are not there
    RETRYING = "RETRYING"  # waits for another attempt
    LONG = "LONG"  # waits among the long ones
    NOT_ERASED = "NOT_ERASED"  # deleted, but answers stand without a tombstone
    UNREADABLE = "UNREADABLE"  # no event, and no rejection says so


LACKING = (  # the states of an event that is not complete
    AuditState.UNANSWERED,
    AuditState.MISSING,
    AuditState.RETRYING,
    AuditState.LONG,
    AuditState.NOT_ERASED,
    AuditState.UNREADABLE,
)


class Found(NamedTuple):
    """What an audit has found of an event; a row of its book, in the order of the columns.

    `expected` and `there` are bits by label; `there` is what stands as answered, of a deleted item
    whatever stands. `answered` is the revision of the receipt, `open` whether a part of it is
    still to come. `waits` is the topic on which the event waits, or has waited. `reason` is None
    but for what is no event.
    """

    partition: int
    offset: int
    arrived_ms: int
    content_id: str
    event_id: str
    revision: int
    deleted: bool
    expected: int
    there: int
    answered: int
    open: bool
    moved: bool
    rejected: bool
    waits: str | None
    due_ms: int | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What has become of the latest event of an item, or of a record that is no event.

    `missing` are the labels of what is not there; of a deleted item, of what is not erased.
    `due_ms` is when an event that is RETRYING is tried again.
    """

    partition: int
    offset: int
    arrived_ms: int
    content_id: str
    event_id: str
    state: AuditState
    missing: tuple[str, ...] = ()
    due_ms: int | None = None
    reason: str | None = None

    @property
    def lacking(self) -> bool:
        """Whether the event is not complete."""
        return self.state in LACKING


def verdict(found: Found, bits: Mapping[str, int], *, long: str) -> AuditVerdict:
    """The verdict on what was found; `bits` by label, `long` is the topic of long events."""
    lacks = _lacks(found)
    state = _state(found, lacks, long)
    lacking = state in LACKING
    return AuditVerdict(
        partition=found.partition,
        offset=found.offset,
        arrived_ms=found.arrived_ms,
        content_id=found.content_id,
        event_id=found.event_id,
        state=state,
        missing=tuple(label for label, bit in bits.items() if bit & lacks) if lacking else (),
        due_ms=found.due_ms if state is AuditState.RETRYING else None,
        reason=found.reason if lacking else None,
    )


def _lacks(found: Found) -> int:
    """The bits of what is not there; of a deleted item, of what still is."""
    if found.deleted:
        return found.there
    return found.expected if found.answered < found.revision else found.expected & ~found.there


def _state(found: Found, lacks: int, long: str) -> AuditState:
    state = AuditState.NOT_ERASED if found.deleted else AuditState.MISSING
    if found.reason is not None and not found.rejected:
        state = AuditState.UNREADABLE
    elif found.answered > found.revision:
        state = AuditState.SUPERSEDED
    elif found.moved:
        state = AuditState.MOVING
    elif found.rejected:
        state = AuditState.REJECTED
    elif found.answered == found.revision and not lacks:
        state = AuditState.ERASED if found.deleted else AuditState.COMPLETE
    elif found.waits is not None and (found.open or found.answered < found.revision):
        state = AuditState.LONG if found.waits == long else AuditState.RETRYING
    elif found.answered < found.revision:
        state = AuditState.UNANSWERED
    return state
