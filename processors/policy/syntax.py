"""How a condition is written: `text.safety scores.hate >= 0.8`, `item language in en, de`.

First the signal (or `item`), then its field, an operator and what is asked for:

    numbers             >=  >  <=  <  =  !=                 text.safety severity >= 4
    true and false      =  !=                               audio.integrity truncated = true
    words, languages    =  !=  in  not in                   content.explicit declared = Explicit
    lists               has  lacks, with one or more names  text.pii labels has card, iban

A language means all that lie in it: en holds for en-US. A list `has` names when it has one of them.
"""

import math
import re
from dataclasses import dataclass

from earmark.processors.policy.condition import EQUAL, HOLDING, MEMBER, ORDERED, Comparison
from earmark.processors.policy.vocabulary import Field, Kind, UnknownName, field_of, nearest

_FORM = re.compile(
    r"""\s*(?P<subject>\S+)\s+(?P<field>\S.*?)
        (?:\s*(?P<sign>>=|<=|!=|>|<|=)|\s+(?P<word>not\s+in|in|has|lacks)\s)
        \s*(?P<expected>.*?)\s*""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = {
    Kind.NUMBER: (*ORDERED, *EQUAL),
    Kind.TRUTH: EQUAL,
    Kind.WORD: (*EQUAL, *MEMBER),
    Kind.LANGUAGE: (*EQUAL, *MEMBER),
    Kind.LIST: HOLDING,
}
_TRUTHS = {"true": 1.0, "false": 0.0}
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_EXAMPLE = "write it as 'text.safety scores.hate >= 0.8' or 'item content_type = COMMENT'"


class Misread(Exception):  # noqa: N818  a finding, which the compiler turns into a fault
    """The text is no condition; `hint` says how to write it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    subject: str
    field: str
    operator: str
    expected: tuple[str, ...]


def comparison(text: str) -> Comparison:
    """The comparison that is written; raises Misread, or UnknownName for a name in it."""
    parts = _parts(text)
    field = field_of(parts.subject, parts.field)
    if parts.operator not in _OPERATORS[field.kind]:
        hint = f"{field.kind} takes {', '.join(_OPERATORS[field.kind])}"
        raise Misread(f"{parts.field} is a {field.kind}: no {parts.operator!r}", hint)
    if parts.operator in (*ORDERED, *EQUAL) and len(parts.expected) > 1:
        raise Misread(f"{parts.operator!r} takes one value", "for several: in, or has")
    return Comparison(
        subject=parts.subject,
        field=parts.field,
        kind=field.kind,
        operator=parts.operator,
        expected=parts.expected,
        number=_number(field, parts),
    )


def _parts(text: str) -> _Parts:
    form = _FORM.fullmatch(text)
    if form is None or not form["expected"]:
        raise Misread(f"not a condition: {text!r}", _EXAMPLE)
    operator = form["sign"] or " ".join(form["word"].split())
    several = operator in (*MEMBER, *HOLDING)
    names = form["expected"].split(",") if several else [form["expected"]]
    return _Parts(
        subject=form["subject"],
        field=form["field"].strip().replace('"', ""),
        operator=operator,
        expected=tuple(name.strip().strip('"') for name in names),
    )


def _number(field: Field, parts: _Parts) -> float:
    """The number asked for; 0 where words are, which are checked here against those known."""
    wanted = parts.expected[0]
    if field.kind is Kind.TRUTH:
        if wanted not in _TRUTHS:
            raise Misread(f"{parts.field} is true or false, not {wanted!r}", "write true or false")
        return _TRUTHS[wanted]
    if field.kind is Kind.NUMBER:
        return _finite(wanted, parts.field)
    for word in parts.expected:
        _check_word(field, parts.field, word)
    return 0.0


def _finite(text: str, name: str) -> float:
    number = finite(text)
    if number is None:
        raise Misread(f"{name} is a number, {text!r} is none", "write it as 0.8")
    return number


def finite(text: str) -> float | None:
    """The number, None where it is none that is finite."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _check_word(field: Field, name: str, word: str) -> None:
    if not word:
        raise Misread(f"{name}: a name is missing", "write names with commas between them")
    if field.kind is Kind.LANGUAGE and not LANGUAGE_TAG.fullmatch(word):
        raise Misread(f"{word!r} is no language", "write BCP-47, as en or pt-BR")
    if field.values is not None and word not in field.values:
        raise UnknownName(f"{name} is never {word}", nearest(word, field.values))
