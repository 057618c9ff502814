"""What a signal record says, taken apart into numbers, labels, texts and vectors.

It is read off the record itself, so that other people's signals are compared like the shipped ones:

number   a numeric field by its path (`scores.profanity`); of a list of records its length and the
         means of the fractions in them (`segments.count`, `segments.score.mean`); of a text its
         words (`text.words`)
label    an entry of `labels`; a word in another field with its path (`language=en`); but no word in
         a list of records, which says of a part what others say of the whole
text     a string for which the spec states a tolerance: that is one of words
vector   bytes in a list of records, by the record's `field`

The envelope is no part of what a record says, but for outcome and reason.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from earmark.processors.outcome import OutcomeKind
from earmark.processors.schema import schema_of
from earmark.processors.signal import SignalSpec

Record = Mapping[str, Any]

DEFAULT_LABELS = "labels"  # the field whose entries need no path
_WORD = re.compile(r"[\w.+/:-]{1,48}")  # anything else is content, not vocabulary
_POINTER = "signal_id"  # at the end of the names of fields that hold the id of another answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One record, taken apart."""

    numbers: Mapping[str, float]
    labels: frozenset[str]
    texts: Mapping[str, str]
    vectors: Mapping[str, bytes]


def said(record: Record, topic: str) -> dict[str, Any]:
    """The part of a record of `topic` that is its answer."""
    return {name: record[name] for name in _own_fields(topic)}


def features(answer: Record, spec: SignalSpec) -> Features:
    """What the answer says; fields that say nothing are left out."""
    numbers: dict[str, float] = {}
    labels: set[str] = set()
    texts: dict[str, str] = {}
    vectors: dict[str, bytes] = {}
    for name, value in _walk((), answer, spec):
        match value:
            case _Label():
                labels.add(value.label)
            case str():
                texts[name] = value
            case bytes():
                vectors[name] = value
            case _:
                numbers[name] = value
    # a list that is empty because nothing was said has no length
    lists = _record_lists(spec.topic) if answer["outcome"] == OutcomeKind.OK else ()
    numbers |= {f"{name}.count": 0 for name in lists if not answer[name]}
    return Features(numbers=numbers, labels=frozenset(labels), texts=texts, vectors=vectors)


def stated_tolerance(spec: SignalSpec, name: str, *, whole: bool) -> float:
    """By how much two values of the number called `name` may differ and be the same.

    As `earmark.processors.identity.same` has it: what the spec states for the innermost field,
    else its general tolerance for fractions and none for whole numbers.
    """
    fields = reversed(name.removesuffix(".mean").split("."))
    stated = next((spec.tolerances[each] for each in fields if each in spec.tolerances), None)
    if name.endswith((".count", ".words")):
        return 0.0
    default = 0.0 if whole else spec.tolerance
    return default if stated is None else stated


@dataclass(frozen=True, slots=True)
class _Label:
    label: str


_Found = tuple[str, float | str | bytes | _Label]


@cache
def _own_fields(topic: str) -> tuple[str, ...]:
    names = [field["name"] for field in schema_of(topic).definition["fields"]]
    own = names[names.index("provenance") + 1 :]
    # in a signal that finds the language, the envelope's field is what it found
    found = ["language"] if "declared_language" in own else []
    kept = [n for n in own if n != "declared_language" and not n.endswith(_POINTER)]
    return ("outcome", "reason", *found, *kept)


@cache
def _record_lists(topic: str) -> tuple[str, ...]:
    types = {field["name"]: field["type"] for field in schema_of(topic).definition["fields"]}
    return tuple(
        name
        for name in _own_fields(topic)
        for kind in (types[name],)
        if isinstance(kind, Mapping) and isinstance(kind.get("items"), Mapping)
    )


def _walk(path: tuple[str, ...], value: Any, spec: SignalSpec) -> Iterator[_Found]:
    name = ".".join(path)
    match value:
        case Mapping():
            for key, within in value.items():
                if path or key != "outcome":
                    yield from _walk((*path, str(key)), within, spec)
        case [*values] if all(isinstance(each, str) for each in values):
            for each in values:
                yield name, _Label(each if name == DEFAULT_LABELS else f"{name}={each}")
        case [*values]:
            yield f"{name}.count", len(values)
            yield from _records(name, values)
        case str() if path[-1] in spec.tolerances:
            yield name, value
            yield f"{name}.words", len(value.split())
        case bool() | str():
            yield from _word(name, value)
        case int() | float() if math.isfinite(value):
            yield name, value


def _records(name: str, values: Sequence[Any]) -> Iterator[_Found]:
    """The fields of the records of a list; times and other whole numbers have no mean."""
    fractions: dict[str, list[float]] = {}
    for at, record in enumerate(values):
        for field, value in record.items() if isinstance(record, Mapping) else ():
            match value:
                case float() if math.isfinite(value):
                    fractions.setdefault(field, []).append(value)
                case bytes():
                    yield f"{name}[{record.get('field', at)}]", value
    for field, found in fractions.items():
        yield f"{name}.{field}.mean", math.fsum(found) / len(found)


def _word(name: str, value: str | bool) -> Iterator[_Found]:
    word = str(value).lower() if isinstance(value, bool) else value
    if _WORD.fullmatch(word):
        yield name, _Label(f"{name}={word}")
