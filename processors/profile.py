"""The profile of an item: what each of its signals says, in short, and which are missing.

What of a signal's record goes into the profile is read from its schema, so that a new signal needs
nothing here: `numbers` are its numeric and boolean fields and the entries of its maps of numbers,
`words` its strings whose `values` the schema lists, `labels` its field of that name. Segments,
spans, vectors and text stay with the signal.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from earmark.processors.schema import Definition, schema_of

_OF_ITEM = ("tenant", "source", "content_type", "language", "revision")
_NUMERIC = frozenset({"int", "long", "float", "double", "boolean"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The fields of a signal's schema that a profile takes, in the schema's order."""

    numbers: tuple[str, ...]
    maps: tuple[str, ...]  # of numbers
    words: tuple[str, ...]
    labels: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSignal:
    """What one signal says of the item; fields as in `avro/content.profile.v1.avsc`."""

    signal: str
    outcome: str
    reason: str | None = None
    signal_id: str
    input_digest: str
    revision: int
    event_time: int  # milliseconds since the epoch
    model: str
    thresholds_version: str | None = None
    language: str | None = None
    labels: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All signals of one item; fields as in `avro/content.profile.v1.avsc`."""

    content_id: str
    tenant: str
    source: str
    content_type: str
    language: str | None = None
    regions: tuple[str, ...] = ()
    revision: int
    event_time: int  # milliseconds since the epoch
    expected: tuple[str, ...] = ()
    complete: bool
    signals: tuple[ProfileSignal, ...] = ()

    def signal(self, name: str) -> ProfileSignal | None:
        """What the signal `name` says, None where it is not there."""
        return next((signal for signal in self.signals if signal.signal == name), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the signals that are expected and not there, sorted."""
        return tuple(sorted(set(self.expected) - {signal.signal for signal in self.signals}))


def profile_of(record: Mapping[str, Any]) -> Profile:
    """The profile that a record of `content.profile.v1` holds, its signals sorted by name."""
    signals = (ProfileSignal(**_frozen(signal)) for signal in record["signals"])
    by_name = tuple(sorted(signals, key=lambda signal: signal.signal))
    return Profile(**{**_frozen(record), "signals": by_name})


def gathered(
    content_id: str,
    item: Mapping[str, Any] | None,
    signals: Mapping[str, Mapping[str, Any]],
    expected: Collection[str],
) -> Profile | None:
    """The profile of the item from its newest event and its signals' records by name.

    None where there is neither. Where the event is not known, the signal of the newest revision
    says whose item it is (of several the last by name), and the profile is never complete:
    `expected` is what follows from the event. Event times are in milliseconds since the epoch.
    """
    if item is None and not signals:
        return None
    head = item or signals[max(signals, key=lambda name: (signals[name]["revision"], name))]
    records = [*signals.values(), *([item] if item else ())]
    return Profile(
        content_id=content_id,
        regions=tuple(item["regions"]) if item else (),
        event_time=max(record["event_time"] for record in records),
        expected=tuple(sorted(expected)) if item else (),
        complete=item is not None and set(expected) <= signals.keys(),
        signals=tuple(profile_signal(name, signals[name]) for name in sorted(signals)),
        **{name: head[name] for name in _OF_ITEM},
    )


def profile_signal(name: str, record: Mapping[str, Any]) -> ProfileSignal:
    """What a profile says of the signal `name` whose record is given."""
    summary = summary_of(name)
    provenance = record["provenance"]
    copied = ("outcome", "reason", "signal_id", "revision", "event_time", "language")
    return ProfileSignal(
        signal=name,
        input_digest=provenance["input_digest"],
        model=f"{provenance['model_name']} {provenance['model_version']}",
        thresholds_version=provenance["thresholds_version"],
        labels=tuple(record["labels"]) if summary.labels else (),
        numbers=dict(_numbers(summary, record)),
        words={word: record[word] for word in summary.words if record[word] is not None},
        **{field: record[field] for field in copied},
    )


@cache
def summary_of(name: str, major: int = 1) -> Summary:
    """What a profile takes of the signal `name`; raises ConfigurationError if it has no schema."""
    return summary_fields(schema_of(f"signals.{name}.v{major}").definition)


def summary_fields(definition: Definition) -> Summary:
    """What a profile takes of a signal with this schema."""
    own = list(_own_fields(definition["fields"]))
    kinds = {field["name"]: _kind(field["type"]) for field in own}
    return Summary(
        numbers=tuple(name for name, kind in kinds.items() if kind in _NUMERIC),
        maps=tuple(name for name, kind in kinds.items() if kind == "map"),
        words=tuple(
            field["name"]
            for field in own
            if kinds[field["name"]] == "string" and field.get("values")
        ),
        labels=kinds.get("labels") == "array",
    )


def _own_fields(fields: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Those after the envelope, which ends with `provenance`."""
    passed = False
    for one in fields:
        if passed:
            yield one
        passed = passed or one["name"] == "provenance"


def _kind(kind: Any) -> str:
    """The name of a type, that of a nullable one without null; "map" for maps of numbers only."""
    if isinstance(kind, list):
        kind = next((branch for branch in kind if branch != "null"), "null")
    if not isinstance(kind, dict):
        return str(kind)
    if kind["type"] == "map":
        return "map" if _kind(kind["values"]) in _NUMERIC - {"boolean"} else "map of others"
    return "moment" if "logicalType" in kind else str(kind["type"])


def _numbers(summary: Summary, record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name in summary.numbers:
        if record[name] is not None:
            yield name, float(record[name])
    for name in summary.maps:
        yield from ((f"{name}.{key}", float(record[name][key])) for key in sorted(record[name]))


def _frozen(record: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: tuple(value) for name, value in record.items() if isinstance(value, list)}
    return {**record, **lists}
