"""The SQL that makes of a signal's record what a profile says of it: see `processors.profile`.

Generated from the signal's schema by the same rule as the reference in Python, so that a new or a
plug-in signal needs nothing here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earmark.processors.profile import Summary, summary_fields
from earmark.processors.schema import Definition, Schema, schema_of
from earmark.streams.flink.sql_type import NO_NAMES, quoted, sql_type, text

NUMBERS = "MAP<STRING NOT NULL, DOUBLE NOT NULL>"
WORDS = "MAP<STRING NOT NULL, STRING NOT NULL>"
_SEPARATOR = "U&'\\001F'"  # a unit separator, which stands in no key
_NO_NUMBERS = f"MAP_FROM_ARRAYS({NO_NAMES}, ARRAY_REMOVE(ARRAY[0e0], 0e0))"
_NO_WORDS = f"MAP_FROM_ARRAYS({NO_NAMES}, {NO_NAMES})"
_ENVELOPE = (
    "content_id",
    "tenant",
    "source",
    "content_type",
    "language",
    "revision",
    "event_time",
    "outcome",
    "reason",
    "signal_id",
)
_PROVENANCE = (
    "model_name",
    "model_version",
    "input_digest",
    "thresholds_version",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalTopic:
    """The answers of one signal on one topic, which may be a replay's copy of the live one."""

    schema: Schema
    topic: str

    @property
    def name(self) -> str:
        """The signal's, e.g. `audio.loudness`."""
        return self.schema.name.removeprefix("signals.")


def source_columns(definition: Definition) -> str:
    """The columns of the signal's table: the envelope's and those that a profile takes."""
    fields = {field["name"]: field for field in definition["fields"]}
    wanted = (*_ENVELOPE, *_own(summary_fields(definition)))
    own = ", ".join(f"{quoted(name)} {sql_type(fields[name]['type'])}" for name in wanted)
    within = {field["name"]: field for field in fields["provenance"]["type"]["fields"]}
    provenance = ", ".join(
        f"{quoted(name)} {sql_type(within[name]['type'])}" for name in _PROVENANCE
    )
    return f"{own}, `provenance` ROW<{provenance}> NOT NULL"


def common_columns(definitions: Iterable[Definition]) -> str | None:
    """Columns in which the records of any of these signals can be read, null where one has none.

    None where a field has another type in one signal than in another.
    """
    kinds: dict[str, str] = {}
    for definition in definitions:
        for field in definition["fields"]:
            kind = sql_type(field["type"]).removesuffix(" NOT NULL")
            if field["name"] in _own(summary_fields(definition)) and (
                kinds.setdefault(field["name"], kind) != kind
            ):
                return None
    own = ", ".join(f"{quoted(name)} {kind}" for name, kind in kinds.items())
    envelope = source_columns({"fields": [*_of_envelope(definition)]})
    return f"{envelope}, {own}" if own else envelope


def read_together(topics: Iterable[str]) -> Sequence[Sequence[SignalTopic]]:
    """The signals in as few groups as their fields' types allow: few tables keep a plan small."""
    groups: list[list[SignalTopic]] = []
    for topic in topics:
        signal = SignalTopic(schema=schema_of(topic), topic=topic)
        group = next((group for group in groups if _columns([*group, signal])), None)
        if group is None:
            groups.append([signal])
        else:
            group.append(signal)
    return groups


def columns_of(signals: Iterable[SignalTopic]) -> str:
    """The columns of signals that are read together."""
    return _columns(signals) or ""


def _columns(signals: Iterable[SignalTopic]) -> str | None:
    return common_columns(signal.schema.definition for signal in signals)


def said(name: str, definition: Definition) -> Mapping[str, str]:
    """For each field of a profile's signal its expression over the columns of the table."""
    summary = summary_fields(definition)
    return {
        "signal": text(name),
        "outcome": "`outcome`",
        "reason": "`reason`",
        "signal_id": "`signal_id`",
        "input_digest": "`provenance`.`input_digest`",
        "revision": "`revision`",
        "event_time": "`event_time`",
        "model": "`provenance`.`model_name` || ' ' || `provenance`.`model_version`",
        "thresholds_version": "`provenance`.`thresholds_version`",
        "language": "`language`",
        "labels": "`labels`" if summary.labels else NO_NAMES,
        "numbers": _numbers(summary, definition),
        "words": _words(summary.words),
    }


def by_topic(fields: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """For each field one expression where its expressions stand by topic.

    The column `topic` says which holds; topics with the same expression share it.
    """
    names = next(iter(fields.values()))
    return {
        name: _by_topic({topic: each[name] for topic, each in fields.items()}) for name in names
    }


def _by_topic(expressions: Mapping[str, str]) -> str:
    topics: dict[str, list[str]] = {}
    for topic, expression in expressions.items():
        topics.setdefault(expression, []).append(text(topic))
    if len(topics) == 1:
        return next(iter(topics))
    cases = (f"WHEN `topic` IN ({', '.join(of)}) THEN {it}" for it, of in topics.items())
    return f"CASE {' '.join(cases)} END"


def _of_envelope(definition: Definition) -> Iterator[Mapping[str, Any]]:
    """The fields that all signals have, `provenance` the last of them."""
    for field in definition["fields"]:
        yield field
        if field["name"] == "provenance":
            return


def _own(summary: Summary) -> Iterator[str]:
    yield from (*summary.numbers, *summary.maps, *summary.words)
    if summary.labels:
        yield "labels"


def _numbers(summary: Summary, definition: Definition) -> str:
    kinds = {field["name"]: sql_type(field["type"]) for field in definition["fields"]}
    maps = [_prefixed(name) for name in summary.maps]
    if summary.numbers:
        values = {name: _number(name, kinds[name]) for name in summary.numbers}
        maps.insert(0, _those_there(values, "DOUBLE"))
    if not maps:
        return _NO_NUMBERS
    return maps[0] if len(maps) == 1 else f"MAP_UNION({', '.join(maps)})"


def _words(names: tuple[str, ...]) -> str:
    return _those_there({name: quoted(name) for name in names}, "STRING") if names else _NO_WORDS


def _number(name: str, kind: str) -> str:
    column = quoted(name)
    if kind.startswith("BOOLEAN"):
        return f"CASE WHEN {column} THEN 1e0 WHEN NOT {column} THEN 0e0 END"
    return f"CAST({column} AS DOUBLE)"


def _those_there(values: Mapping[str, str], kind: str) -> str:
    """A map of the values that are not null, by name."""
    names = ", ".join(
        f"CASE WHEN {quoted(name)} IS NOT NULL THEN {text(name)} END" for name in values
    )
    return (
        f"MAP_FROM_ARRAYS(ARRAY_REMOVE(CAST(ARRAY[{names}] AS ARRAY<STRING>), "
        f"CAST(NULL AS STRING)), "
        f"ARRAY_REMOVE(ARRAY[{', '.join(values.values())}], CAST(NULL AS {kind})))"
    )


def _prefixed(name: str) -> str:
    """The map `name` as a map of doubles, its keys with the field's name in front."""
    column = quoted(name)
    prefix = text(f"{name}.")
    keys = (
        f"SPLIT({prefix} || ARRAY_JOIN(MAP_KEYS({column}), {_SEPARATOR} || {prefix}), {_SEPARATOR})"
    )
    values = f"MAP_VALUES(CAST({column} AS MAP<STRING, DOUBLE>))"
    return (
        f"CASE WHEN COALESCE(CARDINALITY({column}), 0) = 0 THEN {_NO_NUMBERS} "
        f"ELSE MAP_FROM_ARRAYS({keys}, {values}) END"
    )
