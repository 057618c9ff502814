"""Which of our harms a ruling is about, by what it rests on."""

from collections.abc import Mapping

from earmark.processors.policy.verdict import LABEL, Match, Ruling, Verdict
from earmark.processors.profile import Profile
from earmark.processors.taxonomy.harm import harms

SAFETY = "text.safety"
PII = "text.pii"
_SCORES = "scores."


def harms_of(ruling: Ruling, profile: Profile | None = None) -> tuple[str, ...]:
    """The harms that the ruling is about, in the order of our taxonomy; none: about another thing.

    Where it does not name any, as one on a severity, those that the signal found.
    """
    found: set[str] = set()
    for match in ruling.conditions:
        if match.signal == SAFETY and not match.operator.startswith("not "):
            found |= _named(match) or _seen(ruling, profile)
    if ruling.effect == LABEL and ruling.value:
        found.add(ruling.value)
    return tuple(name for name in harms() if name in found)


def concerns(ruling: Ruling, signal: str) -> bool:
    """Whether the ruling rests on something that the signal says."""
    return any(
        match.signal == signal and not match.operator.startswith("not ")
        for match in ruling.conditions
    )


def scores_of(verdict: Verdict, profile: Profile | None = None) -> Mapping[str, float]:
    """Our harms' scores: all of them from the profile, else those that rulings rest on."""
    signal = profile.signal(SAFETY) if profile is not None else None
    if signal is not None:
        return {
            name.removeprefix(_SCORES): number
            for name, number in signal.numbers.items()
            if name.startswith(_SCORES)
        }
    return {
        match.field.removeprefix(_SCORES): float(match.value)
        for ruling in verdict.rulings
        for match in ruling.conditions
        if match.signal == SAFETY and match.field.startswith(_SCORES) and match.value
    }


def _named(match: Match) -> set[str]:
    if match.field.startswith(_SCORES):
        return {match.field.removeprefix(_SCORES)}
    if match.field == "labels":
        return set(match.value.split(", ")) & set(match.expected.split(", "))
    return set()


def _seen(ruling: Ruling, profile: Profile | None) -> set[str]:
    """The labels that the signal gave, else those of the places that show it."""
    signal = profile.signal(SAFETY) if profile is not None else None
    if signal is not None:
        return set(signal.labels)
    return {it.label for it in ruling.evidence if it.signal == SAFETY and it.label}
