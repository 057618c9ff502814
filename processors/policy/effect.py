"""The effects of rules, and the values that each takes."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from earmark.processors.policy.syntax import Misread
from earmark.processors.policy.verdict import (
    AGE_RATE,
    LABEL,
    LIMIT,
    MARK_EXPLICIT,
    NOTIFY,
    REVIEW,
)
from earmark.processors.policy.vocabulary import nearest

OLDEST = 21  # years: the highest age that a law asks for
EXPLICIT = "Explicit"
WARNINGS = ("Explicit", "ExplicitContentEdited", "NotExplicit", "Unknown")  # DDEX
DEMOTE = "demote"
LIMITS = (
    DEMOTE,  # is recommended and found less
    "interaction",  # is there, without answers, shares and the like
    "demonetise",  # earns nothing
    "disable",  # is not shown
    "remove",  # is deleted
)
_AGE = re.compile(r"[0-9]{1,2}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._/-]*")


def value_of(effect: str, value: Any) -> str | None:
    """The value that the effect gets, by what is written; raises Misread where it does not fit."""
    return _READERS[effect](effect, value)


def _age(_: str, value: Any) -> str:
    if isinstance(value, bool) or not _AGE.fullmatch(str(value)) or int(value) > OLDEST:
        raise Misread(f"{value!r} is no age" if value is not None else "is missing", "as 16 or 18")
    return str(int(value))


def _needed(effect: str, value: Any) -> str:
    if value is None:
        raise Misread("is missing", f"say what {effect} is to say")
    return _slug(effect, value)


def _optional(effect: str, value: Any) -> str | None:
    return None if value is None else _slug(effect, value)


def _slug(_: str, value: Any) -> str:
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise Misread(f"{value!r} is no name", "write it with a-z, 0-9, '.', '-', '_' and '/'")
    return value


def _one_of(known: tuple[str, ...], default: str) -> Callable[[str, Any], str]:
    def read(_: str, value: Any) -> str:
        if value is None:
            return default
        if value not in known:
            raise Misread(f"no value {value!r}", nearest(str(value), known))
        return str(value)

    return read


_READERS: Mapping[str, Callable[[str, Any], str | None]] = {
    LABEL: _needed,
    AGE_RATE: _age,
    MARK_EXPLICIT: _one_of(WARNINGS, EXPLICIT),
    LIMIT: _one_of(LIMITS, DEMOTE),
    REVIEW: _optional,  # the queue
    NOTIFY: _needed,  # whom: a channel that the agents know
}
