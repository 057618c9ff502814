"""What a signal's record says, as the inspector shows and searches it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.codec import jsonable
from earmark.processors.profile import profile_signal
from earmark.processors.schema import schema_of
from earmark.streams.subscription.choice import SCORES
from earmark.streams.subscription.name import live_topic

LONGEST_BYTES = 256  # of one field are kept: vectors and fingerprints are of no use as text

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of a signal and how sure it is; `held` where it is over its threshold."""

    label: str
    score: float | None
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """An embedding of an item, or of one field of it, as its model gave it."""

    field: str
    model: str
    vector: bytes


def stored(record: Record) -> str:
    """The record as JSON without long bytes, of which it says how many there are."""
    return json.dumps(jsonable(_without_bytes(record)), ensure_ascii=False)


def labels_of(record: Record) -> list[Label]:
    """All labels with a score, and those that stand without one."""
    scores: dict[str, float] = {}
    for name in SCORES:
        if isinstance(found := record.get(name), Mapping):
            scores |= {str(label): float(score) for label, score in found.items()}
    held = set(record.get("labels") or ())
    if isinstance(single := record.get("label"), str):
        held.add(single)
    return [
        Label(label=name, score=scores.get(name), held=name in held)
        for name in sorted({*scores, *held})
    ]


def shown_labels(record: Record) -> list[dict[str, Any]]:
    """The labels that stand, the surest first."""
    held = (label for label in labels_of(record) if label.held)
    ordered = sorted(held, key=lambda it: (-(it.score if it.score is not None else 1.0), it.label))
    return [{"label": it.label, "score": it.score} for it in ordered]


def numbers_of(signal: str, record: Record) -> dict[str, float]:
    """The numbers that a profile takes of the record; none of a signal that has no schema here."""
    try:
        return dict(profile_signal(signal, record).numbers)
    except (ConfigurationError, KeyError, TypeError):
        return {}


def vectors_of(record: Record) -> list[Vector]:
    """The vectors of the whole item and of its texts, not those of segments."""
    model = str(record.get("model") or "")
    whole = record.get("vector")
    found = [Vector(field="", model=model, vector=whole)] if isinstance(whole, bytes) else []
    for each in record.get("vectors") or ():
        found.append(Vector(field=each["field"], model=model, vector=each["vector"]))
    return found


def value_of(signal: str, record: Record) -> dict[str, Any]:
    """What is kept of each value that a signal ever had."""
    return {
        "outcome": record["outcome"],
        "reason": record["reason"],
        "labels": shown_labels(record),
        "numbers": numbers_of(signal, record),
        "signal_id": record["signal_id"],
        "provenance": dict(record["provenance"]),
    }


def payload_of(topic: str, record: Record) -> dict[str, Any]:
    """The record without its envelope."""
    own = _own_fields(live_topic(topic))
    return {name: value for name, value in record.items() if own is None or name in own}


@cache
def _own_fields(topic: str) -> frozenset[str] | None:
    try:
        names = [field["name"] for field in schema_of(topic).definition["fields"]]
    except ConfigurationError:
        return None
    return frozenset(names[names.index("provenance") + 1 :])


def _without_bytes(value: Any) -> Any:
    match value:
        case Mapping():
            return dict(_kept(value))
        case list() | tuple():
            return [_without_bytes(part) for part in value]
        case _:
            return value


def _kept(record: Record) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, bytes) and len(value) > LONGEST_BYTES:
            yield name, None
            yield f"{name}_bytes", len(value)
        else:
            yield name, _without_bytes(value)


def labels_in(rows: Callable[[str], Iterable[tuple[Any, ...]]]) -> dict[str, list[str]]:
    """The labels that were seen of each signal."""
    found: dict[str, list[str]] = {}
    for signal, label in rows("SELECT DISTINCT signal, label FROM labels ORDER BY signal, label"):
        found.setdefault(signal, []).append(label)
    return found
