"""Receipts: what stands as answered of each item, and what follows from that for the next event.

One record per item on `content.receipts.v1`, in the partition of its events, written in the same
transaction as the signals. From it follow

- order: an older revision that comes late (by a retry, a redrive, a second producer) writes nothing
- idempotence: a signal whose input and configuration are those of the answer that stands is not
  written again. Only the latest answer counts: A, B, A ends on A
- deletion: what was erased stays erased, whatever comes back
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from earmark.processors.content import Change, ContentEvent
from earmark.processors.error import ConfigurationError, ServiceError
from earmark.processors.identity import AnswerKey, key_of
from earmark.processors.outcome import Outcome, OutcomeKind, Rejection, Signal
from earmark.processors.schema import RECEIPTS, schema_of
from earmark.processors.wire import Codec

NOT_ANSWERED = -1  # the revision of a receipt for an item of which nothing was answered yet


class Disposition(StrEnum):
    """What became of an event; the vocabulary of `disposition` in `content.receipts.v1`."""

    ANSWERED = "ANSWERED"  # signals were written
    UNCHANGED = "UNCHANGED"  # all its signals stand already
    SUPERSEDED = "SUPERSEDED"  # a newer revision was answered before
    REJECTED = "REJECTED"  # some part of it could not be used
    RETRIED = "RETRIED"  # it waits for another attempt
    DELETED = "DELETED"  # the item is gone


Answers = Mapping[str, AnswerKey]  # by signal topic
NO_ANSWERS: Answers = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What stands of one item, by the fields of `content.receipt.v1.avsc`."""

    content_id: str
    event_id: str = ""
    revision: int = NOT_ANSWERED
    event_time: int = 0
    disposition: str = Disposition.RETRIED
    last_event_id: str = ""
    last_revision: int = NOT_ANSWERED
    rejected: bool = False
    answers: Answers = field(default_factory=dict)

    def supersedes(self, event: ContentEvent, *, forced: bool = False) -> bool:
        """Whether the event comes too late to count.

        The revision that was answered comes too late as well, unless a part of it was rejected:
        then it may be tried again; or it is `forced`.
        """
        return event.revision < self.revision + (not self.rejected and not forced)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to be written for one event: its outcomes as far as they are new, and a receipt.

    `erased` are the signal topics on which the item gets a tombstone.
    """

    receipt: Receipt
    outcomes: tuple[Outcome, ...] = ()
    erased: tuple[str, ...] = ()


def ruling(
    before: Receipt | None,
    event: ContentEvent,
    outcomes: Iterable[Outcome],
    *,
    topics: Iterable[str],
    kept: Answers = NO_ANSWERS,
    forced: bool = False,
    late: bool = False,
    retried: bool = False,
) -> Ruling:
    """What follows for `event`, with these outcomes, from what stands.

    `topics` are the signal topics that this worker writes. `kept` are answers that stand, so that
    they were not given again; `forced` says that all are to be written all the same, `late` that
    nothing was computed since it came too late already, `retried` that what failed is tried again
    later, so that only what succeeded is written now. Raises ServiceError if for one of `kept` an
    answer about other input stands by now, or none.
    """
    before = before or Receipt(content_id=event.content_id)
    if late or before.supersedes(event, forced=forced):
        return Ruling(receipt=_noted(before, event, Disposition.SUPERSEDED))
    if event.change == Change.DELETED:
        receipt = _answered(event, Disposition.DELETED, NO_ANSWERS)
        # also of what the group wrote while it had other signals
        return Ruling(receipt=receipt, erased=tuple(dict.fromkeys((*topics, *before.answers))))
    ruled = _answering(
        before,
        event,
        tuple(outcomes),
        topics=frozenset(topics),
        kept=_still_standing(before, kept),
        forced=forced,
    )
    return _without_failures(ruled) if retried else ruled


def _still_standing(before: Receipt, kept: Answers) -> Answers:
    """What stands of the topics of `kept`: perhaps one that was promoted meanwhile.

    That is an answer about the same input, too. Raises ServiceError where it is about another.
    """
    stand: dict[str, AnswerKey] = {}
    for topic, planned in kept.items():
        found = before.answers.get(topic)
        if found is None or found.input_digest != planned.input_digest:
            raise ServiceError(
                f"the answers of {before.content_id} changed under one of its events"
            )
        stand[topic] = found
    return stand


def _answering(
    before: Receipt,
    event: ContentEvent,
    outcomes: tuple[Outcome, ...],
    *,
    topics: frozenset[str],
    kept: Answers,
    forced: bool,
) -> Ruling:
    signals = [outcome for outcome in outcomes if isinstance(outcome, Signal)]
    keys = {s.topic: key_of(s) for s in signals if s.result.outcome != OutcomeKind.ERROR}
    stands = {topic for topic, key in keys.items() if before.answers.get(topic) == key}
    new = tuple(
        outcome
        for outcome in outcomes
        if forced or isinstance(outcome, Rejection) or outcome.topic not in stands
    )
    erased = (before.answers.keys() & topics) - kept.keys() - {each.topic for each in signals}
    of_others = {topic: key for topic, key in before.answers.items() if topic not in topics}
    return Ruling(
        receipt=_answered(event, _disposition(new, erased), {**of_others, **kept, **keys}),
        outcomes=new,
        erased=tuple(sorted(erased)),
    )


def _without_failures(ruled: Ruling) -> Ruling:
    """Only what succeeded; the revision may then be tried again, as after a rejection."""
    good = tuple(
        outcome
        for outcome in ruled.outcomes
        if isinstance(outcome, Signal) and outcome.result.outcome != OutcomeKind.ERROR
    )
    receipt = replace(ruled.receipt, disposition=Disposition.RETRIED, rejected=True)
    return replace(ruled, outcomes=good, receipt=receipt)


def _disposition(new: tuple[Outcome, ...], erased: Iterable[str]) -> Disposition:
    if any(isinstance(outcome, Rejection) for outcome in new):
        return Disposition.REJECTED
    return Disposition.ANSWERED if new or any(erased) else Disposition.UNCHANGED


def _answered(event: ContentEvent, disposition: Disposition, answers: Answers) -> Receipt:
    return Receipt(
        content_id=event.content_id,
        event_id=event.event_id,
        revision=event.revision,
        event_time=event.event_time,
        disposition=disposition,
        last_event_id=event.event_id,
        last_revision=event.revision,
        rejected=disposition == Disposition.REJECTED,
        answers=answers,
    )


def _noted(before: Receipt, event: ContentEvent, disposition: Disposition) -> Receipt:
    return replace(
        before,
        disposition=disposition,
        last_event_id=event.event_id,
        last_revision=event.revision,
    )


class ReceiptCodec:
    """Receipts as payloads, for workers of `group`; `schema_id` is that of the receipt's schema."""

    def __init__(self, schema_id: int, *, group: str) -> None:
        self._codec = Codec(schema_of(RECEIPTS))
        self._schema_id = schema_id
        self._group = group

    def encode(self, receipt: Receipt) -> bytes:
        """The receipt as it goes to Kafka."""
        record = {name: getattr(receipt, name) for name in Receipt.__slots__}
        record["answers"] = {
            topic: {"input_digest": key.input_digest, "config_hash": key.config_hash}
            for topic, key in receipt.answers.items()
        }
        record["group"] = self._group
        return self._codec.encode(record, self._schema_id)

    def decode(self, payload: bytes) -> Receipt:
        """The receipt of a payload.

        Raises ContentError for what is no receipt, and ConfigurationError for one of another
        group: what that has answered is not what this one has.
        """
        record = self._codec.decode(payload)
        group = record.pop("group")
        if group != self._group:
            raise ConfigurationError(
                f"the receipts are those of group {group!r}, this worker is in {self._group!r}: "
                "each group needs a topic of its own (setting kafka.receipts_topic)"
            )
        answers = {topic: AnswerKey(**key) for topic, key in record.pop("answers").items()}
        return Receipt(**record, answers=answers)
