"""The SQL of the profiles: one row per signal and item, united, and gathered again by item.

    signals.*.v1 (upsert) -- what a profile says of it --+
                                                         +-- GROUP BY content_id -- the profile
    content.items.v1 (upsert) ------ what is expected ---+

Each branch gives rows (item, name of the signal, what is told of the item, what the signal says),
under no name where it is the item itself. A running aggregate needs neither watermark nor join:
what comes late is there when it comes, and a tombstone takes its row away again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from earmark.processors.schema import PROFILES, schema_of
from earmark.streams.flink.expected_sql import Expectation, expected_sql
from earmark.streams.flink.signal_sql import SignalTopic, said
from earmark.streams.flink.sql_type import NO_NAMES, columns, quoted, sql_type, string, text

ITEM = ""  # the name under which the item itself stands among its signals
ITEM_COLUMNS = (
    "`content_id` STRING NOT NULL, `tenant` STRING, `source` STRING, `content_type` STRING, "
    "`language` STRING, `regions` ARRAY<STRING NOT NULL>, `revision` BIGINT NOT NULL, "
    "`event_time` TIMESTAMP(3) NOT NULL, `change` STRING, `audio` ROW<`uri` STRING>, "
    "`texts` ARRAY<ROW<`field` STRING> NOT NULL>"
)
_OF_ITEM = ("tenant", "source", "content_type", "language", "revision", "event_time")


def insert_profiles(
    sink: str, items: str, signals: Mapping[str, SignalTopic], expected: Expectation
) -> str:
    """The statement that keeps the table `sink` up.

    `items` is a table's name in quotes or a subquery, as are those by which the `signals` stand.
    """
    by_name = dict(sorted(signals.items(), key=lambda entry: entry[1].name))
    names = [signal.name for signal in by_name.values()]
    rows = " UNION ALL ".join(
        (_item_rows(items, expected), *map(_signal_rows, by_name, by_name.values()))
    )
    return f"INSERT INTO {quoted(sink)} {_profile(names, _gathered(rows))}"


def _gathered(rows: str) -> str:
    """Per item its rows, and in the same order their names and their marks."""
    return (
        "SELECT `content_id`, ARRAY_AGG(`name`) AS `names`, ARRAY_AGG(`mark`) AS `marks`, "
        f"ARRAY_AGG(`told`) AS `told` FROM ({rows}) GROUP BY `content_id`"
    )


def _item_rows(table: str, expected: Expectation) -> str:
    columns = {name: quoted(name) for name in (*_OF_ITEM, "regions")}
    told = {**columns, "expected": expected_sql(expected), "said": f"CAST(NULL AS {_SAID})"}
    parts = "`audio` IS NOT NULL AS has_audio, COALESCE(CARDINALITY(`texts`), 0) > 0 AS has_texts"
    return (
        # "~" comes after every digit: where the item is known, it says what the item is
        f"SELECT `content_id`, {string(ITEM)} AS `name`, {string('~')} AS `mark`, "
        f"{_told(told)} AS `told` "
        f"FROM (SELECT *, {parts} FROM {table} WHERE `change` <> 'DELETED')"
    )


def _signal_rows(table: str, signal: SignalTopic) -> str:
    fields = said(signal.name, signal.schema.definition)
    ordered = (fields[field["name"]] for field in _signal_fields())
    told = {name: quoted(name) for name in _OF_ITEM} | {
        "regions": NO_NAMES,
        "expected": NO_NAMES,
        "said": f"CAST(ROW({', '.join(ordered)}) AS {_SAID})",
    }
    mark = f"LPAD(CAST(`revision` AS STRING), 19, '0') || {text(signal.name)}"
    return (
        f"SELECT `content_id`, {string(signal.name)} AS `name`, {mark} AS `mark`, "
        f"{_told(told)} AS `told` FROM {table}"
    )


def _told(values: Mapping[str, str]) -> str:
    return f"CAST(ROW({', '.join(values[name] for name in _TOLD_TYPES)}) AS {_TOLD})"


def _profile(names: Sequence[str], gathered: str) -> str:
    values = _values(names)
    of_schema = ", ".join(
        f"{_cast(values[field['name']], field['type'])} AS {quoted(field['name'])}"
        for field in schema_of(PROFILES).definition["fields"]
    )
    return f"SELECT {of_schema} FROM ({gathered})"


def _values(names: Sequence[str]) -> Mapping[str, str]:
    """For each field of the profile the expression over what was gathered."""
    head = "`told`[ARRAY_POSITION(`marks`, ARRAY_MAX(`marks`))]"
    times = ", ".join(f"{_told_by(name)}.`event_time`" for name in (ITEM, *names))
    said_by = ", ".join(f"{_told_by(name)}.`said`" for name in names)
    is_known = f"ARRAY_CONTAINS(`names`, {string(ITEM)})"
    return {
        "content_id": "`content_id`",
        **{name: f"{head}.{quoted(name)}" for name in (*_OF_ITEM, "regions", "expected")},
        "event_time": f"ARRAY_MAX(ARRAY[{times}])",
        "complete": (f"{is_known} AND CARDINALITY(ARRAY_EXCEPT({head}.`expected`, `names`)) = 0"),
        "signals": f"ARRAY_REMOVE(ARRAY[{said_by}], CAST(NULL AS {_SAID}))",
    }


def _told_by(name: str) -> str:
    return f"`told`[NULLIF(ARRAY_POSITION(`names`, {string(name)}), 0)]"


def _cast(expression: str, avro: Any) -> str:
    return f"CAST({expression} AS {sql_type(avro).removesuffix(' NOT NULL')})"


def _signal_fields() -> Sequence[Mapping[str, Any]]:
    fields = schema_of(PROFILES).definition["fields"]
    signals = next(field for field in fields if field["name"] == "signals")
    return list(signals["type"]["items"]["fields"])


_SAID = f"ROW<{columns(_signal_fields())}>"
_TOLD_TYPES = {
    "tenant": "STRING",
    "source": "STRING",
    "content_type": "STRING",
    "language": "STRING",
    "revision": "BIGINT",
    "event_time": "TIMESTAMP(3)",
    "regions": "ARRAY<STRING NOT NULL>",
    "expected": "ARRAY<STRING NOT NULL>",
    "said": _SAID,
}
_TOLD = f"ROW<{', '.join(f'{quoted(name)} {kind}' for name, kind in _TOLD_TYPES.items())}>"
