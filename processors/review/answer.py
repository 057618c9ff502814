"""An annotator's answer to a question, as the decision that it is."""

from collections.abc import Iterable
from dataclasses import replace

from earmark.models.error import ConfigurationError
from earmark.processors.profile import ProfileSignal
from earmark.processors.review.decision import (
    DecidedEffect,
    Decision,
    Kind,
    checked,
    decision_id,
)
from earmark.processors.review.question import Question
from earmark.processors.review.routing import said_of
from earmark.processors.review.value import check_effects, check_field, check_values


def answer(
    question: Question,
    *,
    annotator: str,
    decided_at: int,
    agrees: bool = False,
    values: Iterable[str] | None = None,
    effects: Iterable[DecidedEffect] | None = None,
    note: str | None = None,
) -> Decision:
    """The decision: AGREE where the annotator says so, or says the same as signal or verdict.

    One of `agrees`, `values` (for what a signal says) and `effects` (for a verdict) is given.
    `decided_at` is in milliseconds since the epoch. An annotator who answers again changes his
    decision. Raises ConfigurationError for an answer that does not fit the question, or with a
    value or an effect that there is not.
    """
    if (agrees, values is not None, effects is not None).count(True) != 1:
        raise ConfigurationError("an answer is one of: agree, values, effects")
    if values is not None and question.signal is None:
        raise ConfigurationError("the question is about a verdict: answer with effects, or agree")
    if effects is not None and question.signal is not None:
        raise ConfigurationError(
            f"the question is about {question.signal}: answer with values, or agree"
        )
    own = (
        _of_value(question, _given(question, values), annotator)
        if question.signal is not None
        else _of_verdict(question, _wanted(question, effects), annotator)
    )
    return checked(_decision(question, own, annotator, decided_at, note))


def value_id(content_id: str, annotator: str, signal: str, field: str, input_digest: str) -> str:
    """The name of an annotator's decision on what a signal should say: one for each input."""
    return decision_id(content_id, annotator, "value", signal, field, input_digest)


def verdict_id(content_id: str, annotator: str, revision: int, request_id: str | None) -> str:
    """The name of an annotator's decision on a verdict: one for each question, and one unasked."""
    return decision_id(content_id, annotator, "verdict", str(revision), request_id or "")


def unasked_value(
    content_id: str,
    signal: ProfileSignal,
    field: str,
    values: Iterable[str] | None,
    *,
    annotator: str,
    decided_at: int,
    note: str | None = None,
) -> Decision:
    """The decision of someone who was not asked: what the signal says is right (None), or this.

    Raises ConfigurationError for what cannot be a decision, as an unknown field or label.
    """
    check_field(signal.signal, field)
    said = said_of(signal, field)
    given = said if values is None else tuple(values)
    if values is not None:
        check_values(signal.signal, field, given, named=_named(signal, said), model=signal.model)
    return checked(
        Decision(
            decision_id=value_id(content_id, annotator, signal.signal, field, signal.input_digest),
            annotator=annotator,
            decided_at=decided_at,
            kind=Kind.AGREE if set(given) == set(said) else Kind.VALUE,
            signal=signal.signal,
            signal_id=signal.signal_id,
            input_digest=signal.input_digest,
            field=field,
            values=given,
            note=note or None,
        )
    )


def unasked_verdict(
    content_id: str,
    revision: int,
    effects: Iterable[DecidedEffect],
    *,
    annotator: str,
    decided_at: int,
    note: str | None = None,
) -> Decision:
    """The decision of someone who was not asked: these effects hold, and no others.

    Raises ConfigurationError for an effect that there is not.
    """
    wanted = tuple(effects)
    check_effects(wanted)
    return checked(
        Decision(
            decision_id=verdict_id(content_id, annotator, revision, None),
            annotator=annotator,
            decided_at=decided_at,
            kind=Kind.VERDICT,
            revision=revision,
            effects=wanted,
            note=note or None,
        )
    )


def _given(question: Question, values: Iterable[str] | None) -> tuple[str, ...]:
    """The values of the answer, which are known; without any those that the signal said."""
    if values is None:
        return question.said
    given, first = tuple(values), question.subjects[0]
    scored = (each.field.partition(".")[2] for each in question.subjects)
    named = {*question.said, *scored}
    check_values(first.signal, question.asks or "", given, named=named, model=first.model)
    return given


def _wanted(
    question: Question, effects: Iterable[DecidedEffect] | None
) -> tuple[DecidedEffect, ...]:
    """The effects of the answer, which there are; without any those of the verdict."""
    if effects is None:
        return question.effects
    wanted = tuple(effects)
    check_effects(wanted, named=question.effects)
    return wanted


def _named(signal: ProfileSignal, said: Iterable[str]) -> set[str]:
    """What the signal says of the item, and the labels that it has numbers for."""
    return {*said, *(name.partition(".")[2] for name in signal.numbers)}


def _of_value(question: Question, values: tuple[str, ...], annotator: str) -> Decision:
    signal, field, digest = question.signal or "", question.asks or "", question.input_digest or ""
    same = set(values) == set(question.said)
    return Decision(
        decision_id=value_id(question.content_id, annotator, signal, field, digest),
        annotator=annotator,
        decided_at=0,
        kind=Kind.AGREE if same else Kind.VALUE,
        signal=signal,
        signal_id=question.subjects[0].signal_id,
        input_digest=digest,
        field=field,
        values=values,
    )


def _of_verdict(question: Question, effects: tuple[DecidedEffect, ...], annotator: str) -> Decision:
    same = set(effects) == set(question.effects)
    return Decision(
        decision_id=verdict_id(
            question.content_id, annotator, question.revision, question.request_id
        ),
        annotator=annotator,
        decided_at=0,
        kind=Kind.AGREE if same else Kind.VERDICT,
        revision=question.revision,
        effects=effects,
    )


def _decision(
    question: Question, own: Decision, annotator: str, decided_at: int, note: str | None
) -> Decision:
    return replace(
        own,
        request_id=question.request_id,
        annotator=annotator,
        decided_at=decided_at,
        note=note or None,
        reason=str(question.reason),
        stratum=question.stratum,
        chance=question.chance,
    )
