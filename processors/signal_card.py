"""Cards of signals: who answers for one, who may read it, how fresh it is, what it cannot do.

The shipped ones stand in `cards/<signal>.toml` beside this module; a package that brings signals
has a folder `signal_cards/` for them (its `cards/` are those of models). Licence, source and
training of a model stand in the model's card; how right the signal is as it is published stands
here, written by `earmark eval SIGNAL --write-card`.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from earmark.models.card_evaluation import (
    CardEvaluation,
    evaluation_problems,
    read_evaluations,
)
from earmark.models.error import ConfigurationError
from earmark.models.plugin import resources

BROUGHT = "signal_cards"  # the folder of another package
UNKNOWN = "unknown"  # the owner of a signal that brings no card

_STATED = ("summary", "owner", "intended_use", "limits")
_SIGNAL = re.compile(r"(audio|text|content)(\.[a-z][a-z0-9_]*)+")


class Access(StrEnum):
    """Who may read a signal, and so which rules of access its topic gets."""

    OPEN = "open"  # everyone in the house
    PERSONAL = "personal data"  # those with a reason to read what people say of themselves
    RESTRICTED = "restricted"  # those who are named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCard:
    """The card of one signal.

    `freshness_s` is a target: the 95th percentile of seconds from the arrival of an event to its
    signal, where the workers keep up; None: nobody promised any. From `deprecated_on` on nobody
    should begin to read it, and those who do should go over to `replaced_by`, a signal. The last
    section of `evaluation` is the one that was added last.
    """

    signal: str
    summary: str
    owner: str
    access: Access
    freshness_s: float | None = None
    intended_use: str
    limits: str
    deprecated_on: date | None = None
    replaced_by: str | None = None
    evaluation: tuple[CardEvaluation, ...] = ()


def signal_card(name: str) -> SignalCard:
    """The card of the signal, or one that says that nobody wrote any."""
    file = card_file(name)
    if file is None:
        return _nobodys(name)
    return read_signal_card(file.read_text(encoding="utf-8"), signal=name, where=str(file))


@cache
def card_file(name: str) -> Traversable | None:
    """The file of the signal's card; None where there is none."""
    for folder in (shipped_cards(), *resources(BROUGHT)):
        if (file := folder / f"{name}.toml").is_file():
            return file
    return None


def shipped_cards() -> Traversable:
    """The folder of the cards that come with Earmark."""
    return files("earmark") / "processors" / "cards"


def read_signal_card(text: str, *, signal: str, where: str) -> SignalCard:
    """The card written in `text` (TOML); raises ConfigurationError that begins with `where`."""
    try:
        table = tomllib.loads(text)
        card = SignalCard(
            signal=signal,
            access=Access(table.pop("access")),
            evaluation=read_evaluations(table.pop("evaluation", ())),
            **table,
        )
    except (tomllib.TOMLDecodeError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{where}: not a signal's card: {error}") from error
    for problem in _problems(card):
        raise ConfigurationError(f"{where}: {problem}")
    return card


def _nobodys(name: str) -> SignalCard:
    """What nobody has classed is for nobody but those who are named."""
    return SignalCard(
        signal=name,
        summary="",
        owner=UNKNOWN,
        access=Access.RESTRICTED,
        intended_use="",
        limits="Nobody has written a card for it, so nothing is known of its limits.",
    )


def _problems(card: SignalCard) -> Iterator[str]:
    for name in _STATED:
        value = getattr(card, name)
        if not isinstance(value, str) or not value.strip():
            yield f"{name} has to say something"
    if not _is_positive(card.freshness_s):
        yield "freshness_s is a number of seconds above 0"
    if card.deprecated_on is not None and type(card.deprecated_on) is not date:
        yield "deprecated_on is a day, as 2027-01-31"
    if card.replaced_by is not None:
        if not _SIGNAL.fullmatch(str(card.replaced_by)):
            yield f"replaced_by is the name of a signal, and not {card.replaced_by!r}"
        if card.deprecated_on is None:
            yield "replaced_by goes with deprecated_on"
    for measured in card.evaluation:
        if measured.signal != card.signal:
            yield f"an evaluation of {measured.signal}, which has a card of its own"
        yield from evaluation_problems(measured)


def _is_positive(seconds: object) -> bool:
    if seconds is None:
        return True
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
