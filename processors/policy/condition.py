"""Conditions of a rule: comparisons, combined by all, any and not, with three answers.

A comparison is true, false, or unknown while a signal that it needs may still come, or has failed
(Kleene's logic). So a rule that holds on a part of a profile holds on the whole of it, and a `not`
does not hold until what it denies has been looked at. What is not there and will not come makes
every comparison false.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from earmark.processors.policy.verdict import Match
from earmark.processors.policy.view import Absent, Found, View
from earmark.processors.policy.vocabulary import ITEM, Kind

Truth = bool | None  # None: unknown

ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
EQUAL = ("=", "!=")
MEMBER = ("in", "not in")
HOLDING = ("has", "lacks")
_DENIALS = {"!=", "not in", "lacks"}
_DIGITS = 6  # of a number in a verdict: more would differ from host to host


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One field of a signal, or of the item, compared with what the policy asks for."""

    subject: str
    field: str
    kind: Kind
    operator: str
    expected: tuple[str, ...] = ()
    number: float = 0.0  # for numbers, and for true and false

    def truth(self, view: View) -> Truth:
        """Whether it is true of the profile."""
        found = view.value(self.subject, self.field)
        if found is Absent.UNKNOWN:
            return None
        if found is Absent.NOTHING:
            return False
        if isinstance(found, float):
            return self.is_met_by(found)
        alike = self._of_list(found) if isinstance(found, tuple) else self._of_text(str(found))
        return alike is not (self.operator in _DENIALS)

    def match(self, view: View, *, holds: bool = True) -> Match:
        """What a verdict says of it, where it holds, or where its denial does."""
        signal = view.profile.signal(self.subject)
        return Match(
            signal=None if self.subject == ITEM else self.subject,
            signal_id=None if signal is None else signal.signal_id,
            model=None if signal is None else signal.model,
            field=self.field,
            operator=self.operator if holds else f"not {self.operator}",
            expected=", ".join(self.expected),
            value=_written(view.value(self.subject, self.field), self.kind),
        )

    def is_met_by(self, found: float | None) -> bool:
        """Whether this number is what is asked for; None is not."""
        if found is None:
            return False
        if self.operator in ORDERED:
            return ORDERED[self.operator](found, self.number)
        return (found == self.number) is (self.operator == "=")

    def _of_list(self, found: tuple[str, ...]) -> bool:
        return not set(self.expected).isdisjoint(found)

    def _of_text(self, found: str) -> bool:
        if self.kind is Kind.LANGUAGE:
            return any(speaks(found, range_) for range_ in self.expected)
        return found in self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """True where all parts are."""

    parts: tuple["Condition", ...]

    def truth(self, view: View) -> Truth:
        """False as soon as one part is, unknown as long as one is."""
        return _all(part.truth(view) for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """True where one part is at least."""

    parts: tuple["Condition", ...]

    def truth(self, view: View) -> Truth:
        """True as soon as one part is, unknown as long as one is."""
        return _not(_all(_not(part.truth(view)) for part in self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """True where its part is false."""

    part: "Condition"

    def truth(self, view: View) -> Truth:
        """The opposite; of what is unknown, unknown."""
        return _not(self.part.truth(view))


Condition = Comparison | AllOf | AnyOf | Not


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """All comparisons in it."""
    match condition:
        case Comparison():
            yield condition
        case Not():
            yield from comparisons(condition.part)
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from comparisons(part)


def grounds(
    condition: Condition, view: View, *, holds: bool = True
) -> Iterator[tuple[Comparison, bool]]:
    """The comparisons on which the condition rests, and whether each is true.

    With `holds` false, those on which it rests that the condition is false.
    """
    if condition.truth(view) is not holds:
        return
    match condition:
        case Comparison():
            yield condition, holds
        case Not():
            yield from grounds(condition.part, view, holds=not holds)
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from grounds(part, view, holds=holds)


def speaks(tag: str, range_: str) -> bool:
    """Whether a language tag lies in a range: en-US in en (RFC 4647, basic filtering)."""
    tag, range_ = tag.lower(), range_.lower()
    return tag == range_ or tag.startswith(f"{range_}-")


def _all(truths: Iterator[Truth]) -> Truth:
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _written(found: Found, kind: Kind) -> str:
    if isinstance(found, Absent):
        return ""
    if isinstance(found, float):
        return str(found != 0).lower() if kind is Kind.TRUTH else f"{found:.{_DIGITS}g}"
    return ", ".join(found) if isinstance(found, tuple) else found
