"""The names that a policy may use: signals and their fields, fields of the item, known values.

Fields are read from the signals' schemas, labels from the taxonomies, so that a new signal or a
plug-in's needs nothing here.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any

from earmark.processors.content import ContentType
from earmark.processors.pii.finding import Kind as PiiKind
from earmark.processors.profile import summary_of
from earmark.processors.schema import newest, schema_of, schemas
from earmark.processors.taxonomy.harm import FOLDER, harms
from earmark.processors.taxonomy.music import music_tags
from earmark.processors.threshold import shipped_thresholds

ITEM = "item"
_SIGNALS = "signals."
_CLOSE = 0.6
_LIMIT = "_score"  # after a label, in the file of thresholds
_MAPS_OF_LABELS = ("scores", "topics", "kinds")


class Kind(StrEnum):
    """What can be compared with what."""

    NUMBER = "number"
    TRUTH = "true or false"
    WORD = "word"
    LANGUAGE = "language"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a condition may ask about; `values` is None where any value is possible."""

    kind: Kind
    values: frozenset[str] | None = None


class UnknownName(Exception):  # noqa: N818  a finding, which the compiler turns into a fault
    """No signal, field or value has this name; `hint` is the nearest that there is, or all."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@cache
def signal_names() -> tuple[str, ...]:
    """All signals, those of other people's packages too, sorted."""
    found = (schema for schema in newest(schemas()).values() if schema.is_signal)
    return tuple(sorted(schema.name.removeprefix(_SIGNALS) for schema in found))


def field_of(subject: str, name: str) -> Field:
    """The field `name` of a signal or of the item; raises UnknownName."""
    if subject == ITEM:
        known = item_fields()
    elif subject in signal_names():
        known = signal_fields(subject)
    else:
        message = f"there is no signal {subject}"
        raise UnknownName(message, nearest(subject, (ITEM, *signal_names())))
    if name in known:
        return known[name]
    head, _, key = name.partition(".")
    if key and (of_map := known.get(f"{head}.*")):
        return _entry(subject, head, key, of_map)
    raise UnknownName(f"{subject} has no field {name}", nearest(name, _offered(known)))


@cache
def item_fields() -> Mapping[str, Field]:
    """What can be asked about the item itself."""
    signals = frozenset(signal_names())
    return {
        "content_type": Field(kind=Kind.WORD, values=frozenset(str(kind) for kind in ContentType)),
        "tenant": Field(kind=Kind.WORD),
        "source": Field(kind=Kind.WORD),
        "language": Field(kind=Kind.LANGUAGE),
        "regions": Field(kind=Kind.LIST),
        "complete": Field(kind=Kind.TRUTH),
        "expected": Field(kind=Kind.LIST, values=signals),
        "missing": Field(kind=Kind.LIST, values=signals),
        "signals": Field(kind=Kind.LIST, values=signals),
    }


@cache
def signal_fields(signal: str) -> Mapping[str, Field]:
    """What can be asked about a signal, by name; entries of a map stand under `map.*`."""
    summary = summary_of(signal)
    definitions = {
        it["name"]: it for it in schema_of(f"{_SIGNALS}{signal}.v1").definition["fields"]
    }
    found = {
        "outcome": Field(kind=Kind.WORD, values=frozenset(definitions["outcome"]["values"])),
        "reason": Field(kind=Kind.WORD),
        "language": Field(kind=Kind.LANGUAGE),
        "model": Field(kind=Kind.WORD),
        "thresholds_version": Field(kind=Kind.WORD),
    }
    if summary.labels:
        found["labels"] = Field(kind=Kind.LIST, values=labels_of(signal))
    for name in summary.numbers:
        found[name] = Field(kind=Kind.TRUTH if _is_truth(definitions[name]) else Kind.NUMBER)
    for name in summary.maps:
        of_labels = labels_of(signal) if name in _MAPS_OF_LABELS else None
        found[f"{name}.*"] = Field(kind=Kind.NUMBER, values=of_labels)
    for name in summary.words:
        found[name] = Field(kind=Kind.WORD, values=frozenset(definitions[name]["values"]))
    return found


@cache
def labels_of(signal: str) -> frozenset[str] | None:
    """The labels of a signal where all that it gives are known, else None."""
    if signal == "text.safety":
        return frozenset(harms())
    if signal == "audio.music":
        return frozenset(tag.name for tag in music_tags())
    if signal == "text.topics":
        return _topics()
    if signal == "text.pii":
        return frozenset(map(str, PiiKind))
    if signal == "text.quality":
        limits = shipped_thresholds(signal).values
        return frozenset(it.removesuffix(_LIMIT) for it in limits if it.endswith(_LIMIT))
    return None


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the known name that is most like this one, or all of them if none is."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=_CLOSE)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"


def _entry(subject: str, head: str, key: str, of_map: Field) -> Field:
    if of_map.values is not None and key not in of_map.values:
        message = f"{subject} has no {head} for {key}"
        raise UnknownName(message, nearest(key, of_map.values))
    return Field(kind=of_map.kind)


def _offered(known: Mapping[str, Field]) -> Iterable[str]:
    for name, field in known.items():
        if name.endswith(".*") and field.values:
            yield from (f"{name[:-1]}{value}" for value in field.values)
        else:
            yield name


def _is_truth(definition: Mapping[str, Any]) -> bool:
    kind = definition["type"]
    return "boolean" in (kind if isinstance(kind, list) else [kind])


@cache
def _topics() -> frozenset[str]:
    table = tomllib.loads((FOLDER / "iab_topics.toml").read_text(encoding="utf-8"))
    return frozenset(topic["name"] for topic in table["topic"])
