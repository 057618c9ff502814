"""What someone wants to decide at the command line, as the decision that it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.profile import ProfileSignal
from earmark.processors.review.answer import answer, unasked_value, unasked_verdict
from earmark.processors.review.decision import Decision, Kind
from earmark.streams.review.desk import Desk
from earmark.streams.review.label_studio import effect_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One of `agrees`, `values`, `effects` and `withdraws`, about a question or a signal."""

    content_id: str
    request_id: str | None = None
    signal: str | None = None
    field: str | None = None
    agrees: bool = False
    values: Sequence[str] | None = None
    effects: Sequence[str] | None = None
    withdraws: str | None = None
    annotator: str
    note: str | None = None


def decided(desk: Desk, wish: Wish, *, now_ms: int) -> Decision:
    """The decision; raises ConfigurationError for a wish that does not fit what is there."""
    if wish.withdraws is not None:
        return _withdrawn(desk, wish, wish.withdraws, now_ms)
    effects = None if wish.effects is None else [effect_of(word) for word in wish.effects]
    if wish.request_id is not None:
        question = desk.question(wish.request_id)
        if question is None or question.content_id != wish.content_id:
            raise ConfigurationError(
                f"there is no question {wish.request_id!r} about {wish.content_id}"
            )
        return answer(
            question,
            annotator=wish.annotator,
            decided_at=now_ms,
            agrees=wish.agrees,
            values=wish.values,
            effects=effects,
            note=wish.note,
        )
    own: Any = {"annotator": wish.annotator, "decided_at": now_ms, "note": wish.note}
    if effects is not None:
        event = desk.event(wish.content_id)
        if event is None:
            raise ConfigurationError(f"there is no item {wish.content_id}")
        return unasked_verdict(wish.content_id, event.revision, effects, **own)
    if wish.signal is None or wish.field is None:
        raise ConfigurationError("name the question (--request), or --signal and --field")
    return unasked_value(
        wish.content_id, _signal(desk, wish, wish.signal), wish.field, wish.values, **own
    )


def _signal(desk: Desk, wish: Wish, name: str) -> ProfileSignal:
    profile = desk.profile(wish.content_id)
    signal = None if profile is None else profile.signal(name)
    if signal is None:
        raise ConfigurationError(f"the profile of {wish.content_id} holds no {name}")
    return signal


def _withdrawn(desk: Desk, wish: Wish, name: str, now_ms: int) -> Decision:
    for decision in desk.ledger.of(wish.content_id).standing:
        if decision.decision_id == name:
            return replace(decision, kind=Kind.WITHDRAWN, decided_at=now_ms, note=wish.note)
    raise ConfigurationError(f"there is no decision {name!r} about {wish.content_id}")
