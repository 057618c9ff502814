"""What helps against each error: the one table.

What is not in the tree of `ContentError` is ours (`ModelError`, `ServiceError`, a transaction that
Kafka does not take): it stops the worker before it commits, and a supervisor starts it again.
"""

from collections.abc import Iterable
from enum import StrEnum

from earmark.processors.error import RejectionClass
from earmark.processors.outcome import Outcome, Rejection


class Remedy(StrEnum):
    """What is done with an event of which a part cannot be used."""

    DEAD_LETTER = "DEAD_LETTER"  # as it is now it will never do: kept for people
    RETRY = "RETRY"  # later it may do: tried again, with growing pauses


_REMEDIES = {
    RejectionClass.MEDIA_UNREACHABLE: Remedy.RETRY,
    RejectionClass.DECODER_STALLED: Remedy.RETRY,  # the machine may have been busy
}


def remedy(rejection_class: RejectionClass) -> Remedy:
    """What helps against errors of this class."""
    return _REMEDIES.get(rejection_class, Remedy.DEAD_LETTER)


def may_pass(outcomes: Iterable[Outcome]) -> bool:
    """Whether trying again may help: something failed, and nothing of it for good."""
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, Rejection)]
    return bool(errors) and all(remedy(e.rejection_class) is Remedy.RETRY for e in errors)
