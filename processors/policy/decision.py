"""What humans decided about an item, and a profile as it is after it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from earmark.processors.policy.syntax import finite
from earmark.processors.policy.vocabulary import signal_fields
from earmark.processors.profile import Profile, ProfileSignal
from earmark.processors.review.decision import DecidedEffect, Decision
from earmark.processors.review.decision import decisions_of as all_of

__all__ = [
    "AGREE",
    "VALUE",
    "VERDICT",
    "DecidedEffect",
    "Decision",
    "corrected",
    "decisions_of",
    "standing_verdict",
]

VERDICT = "VERDICT"
VALUE = "VALUE"
AGREE = "AGREE"
TRUTHS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_HALF = 0.5
_SCORES = "scores."


def decisions_of(record: Mapping[str, Any] | None) -> tuple[Decision, ...]:
    """The decisions in force of a record of `review.decisions.v1`, the oldest first; None: none.

    Of what annotators say of one signal and input, that is the one of the majority.
    """
    return () if record is None else all_of(record).in_force


def standing_verdict(profile: Profile, decisions: Iterable[Decision]) -> Decision | None:
    """The newest VERDICT for this revision of the item, None where there is none."""
    found = [it for it in decisions if it.kind == VERDICT and it.revision == profile.revision]
    return max(found, key=_moment, default=None)


def corrected(
    profile: Profile, decisions: Iterable[Decision]
) -> tuple[Profile, frozenset[tuple[str, str]]]:
    """The profile with the values that humans gave, and which fields of which signals they are.

    A decision holds for the input that it was made on. Who says which labels hold says so of
    their scores too, 1 and 0; who says a score says so of its label. Other fields, such as a
    severity, stay as they are. A value that does not fit its field is left out.
    """
    changed: set[tuple[str, str]] = set()
    signals = {signal.signal: signal for signal in profile.signals}
    for decision in sorted(decisions, key=_moment):
        signal = signals.get(decision.signal or "")
        if decision.kind != VALUE or signal is None or decision.field is None:
            continue
        if decision.input_digest != signal.input_digest:
            continue
        told = _told(signal, decision.field, decision.values)
        if told is not None:
            signals[signal.signal] = told
            changed |= {(signal.signal, name) for name in _fields_told(signal, decision.field)}
    return replace(profile, signals=tuple(signals.values())), frozenset(changed)


def _told(signal: ProfileSignal, field: str, values: tuple[str, ...]) -> ProfileSignal | None:
    """The signal with this field as a human has it; None where the value does not fit."""
    if field == "labels":
        scores = {name: float(name.removeprefix(_SCORES) in values) for name in _scores(signal)}
        labels = tuple(dict.fromkeys(values))
        return replace(signal, labels=labels, numbers={**signal.numbers, **scores})
    if len(values) != 1:
        return None
    if field == "language":
        return replace(signal, language=values[0])
    if field in signal.words or _is_word(signal.signal, field):
        return replace(signal, words={**signal.words, field: values[0]})
    number = _number(values[0])
    if number is None:
        return None
    told = replace(signal, numbers={**signal.numbers, field: number})
    return _labelled(told, field, holds=number >= _HALF) if field.startswith(_SCORES) else told


def _labelled(signal: ProfileSignal, field: str, *, holds: bool) -> ProfileSignal:
    label = field.removeprefix(_SCORES)
    others = tuple(it for it in signal.labels if it != label)
    return replace(signal, labels=(*others, label) if holds else others)


def _fields_told(signal: ProfileSignal, field: str) -> Iterable[str]:
    if field == "labels":
        return ("labels", *_scores(signal))
    return (field, "labels") if field.startswith(_SCORES) else (field,)


def _scores(signal: ProfileSignal) -> list[str]:
    return [name for name in signal.numbers if name.startswith(_SCORES)]


def _is_word(signal: str, field: str) -> bool:
    known = signal_fields(signal).get(field)
    return known is not None and known.values is not None and "." not in field


def _number(text: str) -> float | None:
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    return finite(text)


def _moment(decision: Decision) -> tuple[int, str]:
    return decision.decided_at, decision.decision_id
