"""Which fields of a signal people may decide about, and which values these may have.

Fields are those of the signal's schema; labels and words those that taxonomy and schema list, where
they list all, and whatever the signal itself has named. Of a signal whose schema is not here, since
its package is not, nothing is known and nothing is refused. Only what comes in is held against
this: a decision that is on its topic stays, whatever was known when it was made.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache

from earmark.models.error import ConfigurationError
from earmark.processors.policy.decision import TRUTHS
from earmark.processors.policy.effect import value_of
from earmark.processors.policy.syntax import LANGUAGE_TAG, Misread, finite
from earmark.processors.policy.verdict import EFFECTS
from earmark.processors.policy.vocabulary import Field, Kind, signal_fields, signal_names
from earmark.processors.review.decision import DecidedEffect
from earmark.processors.schema import schema_of

TRUE_OR_FALSE = (*TRUTHS, "1", "0")

_OF_RECORD = frozenset({"outcome", "reason", "model", "thresholds_version"})  # not what it says
_LIST_OF_CARD = {"text.topics": "iab-content"}  # the model whose labels are the listed ones
_STRING = ("string", ["null", "string"])


def check_field(signal: str, field: str) -> None:
    """Raises ConfigurationError, which names the fields there are, where it is none of them."""
    if signal in signal_names():
        _entry(signal, field)


def check_values(
    signal: str, field: str, values: Iterable[str], *, named: Collection[str] = (), model: str
) -> None:
    """Raises ConfigurationError for a value that the field cannot have; names those it can.

    `named` are labels that the signal itself gave the item, which are known for that. `model` is
    what answered, name and version: a list of labels may be that of one model alone.
    """
    if signal not in signal_names():
        return
    entry, label = _entry(signal, field)
    known = None if _has_own_list(signal, model) else entry.values
    if label is not None:
        _check_word(f"label of {signal}", label, known, named)
    for value in values:
        if entry.kind in (Kind.LIST, Kind.WORD):
            what = "label" if entry.kind is Kind.LIST else field
            _check_word(f"{what} of {signal}", value, known, named)
        else:
            _check_form(entry.kind, field, value)


def check_effects(
    effects: Iterable[DecidedEffect], *, named: Collection[DecidedEffect] = ()
) -> None:
    """Raises ConfigurationError for an effect, or a value of one, that there is not.

    `named` are those of the verdict, which are known for that.
    """
    for wanted in effects:
        if wanted in named:
            continue
        if wanted.effect not in EFFECTS:
            raise ConfigurationError(
                f"unknown effect {wanted.effect!r}; known: {', '.join(sorted(EFFECTS))}"
            )
        try:
            value_of(wanted.effect, wanted.value)
        except Misread as error:
            raise ConfigurationError(f"{wanted.effect}: {error}; {error.hint}") from error


@cache
def decided_fields(signal: str) -> Mapping[str, Field]:
    """What people may decide about, by name; entries of a map stand under `map.*`."""
    fields = schema_of(f"signals.{signal}.v1").definition["fields"]
    names = [each["name"] for each in fields]
    own = fields[names.index("provenance") + 1 :]
    words = [it["name"] for it in own if it["type"] in _STRING and not it["name"].endswith("_id")]
    found = {**{name: Field(kind=Kind.WORD) for name in words}, **signal_fields(signal)}
    return {name: found[name] for name in sorted(found.keys() - _OF_RECORD)}


def _entry(signal: str, field: str) -> tuple[Field, str | None]:
    """The field, and for an entry of a map of labels the label."""
    known = decided_fields(signal)
    if field in known and not field.endswith(".*"):
        return known[field], None
    head, _, label = field.partition(".")
    if label and f"{head}.*" in known:
        return known[f"{head}.*"], label
    raise ConfigurationError(f"unknown field {field!r} of {signal}; known: {', '.join(known)}")


def _has_own_list(signal: str, model: str) -> bool:
    listed = _LIST_OF_CARD.get(signal)
    return listed is not None and model.partition(" ")[0] != listed


def _check_word(
    what: str, word: str, known: Collection[str] | None, named: Collection[str]
) -> None:
    if known is not None and word not in known and word not in named:
        raise ConfigurationError(f"unknown {what} {word!r}; known: {', '.join(sorted(known))}")


def _check_form(kind: Kind, field: str, value: str) -> None:
    if kind is Kind.LANGUAGE and not LANGUAGE_TAG.fullmatch(value):
        raise ConfigurationError(f"{field}: {value!r} is no language; BCP-47, as en or pt-BR")
    if kind is Kind.TRUTH and value.lower() not in TRUE_OR_FALSE:
        raise ConfigurationError(f"{field}: {value!r} is none of {', '.join(TRUE_OR_FALSE)}")
    if kind is Kind.NUMBER and finite(value) is None:
        raise ConfigurationError(f"{field}: {value!r} is no number, as 0.8")
