"""The SQL of the profiles: records of all topics, the newest of each signal, gathered by item.

    signals.*.v1 ------- what a profile says of it --+
    content.items.v1 --- what is expected -----------+-- newest by offset -- GROUP BY content_id
    both, keys alone --- what was taken away --------+

Each branch gives rows (item, name of the signal, offset, what is told of the item and what the
signal says), under no name where it is the item itself, and with nothing told where a record takes
away what was there. An item's records of one topic lie in one partition, so that offsets say which
is the newest, whoever reads first. Neither watermark nor join: what comes late is there when it
comes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from earmark.processors.schema import ITEMS, PROFILES, schema_of
from earmark.streams.flink.expected_sql import Expectation, expected_sql
from earmark.streams.flink.signal_sql import SignalTopic, by_topic, said
from earmark.streams.flink.sql_type import NO_NAMES, columns, quoted, sql_type, string

ITEM = ""  # the name under which the item itself stands among its signals
ITEM_COLUMNS = (
    "`content_id` STRING NOT NULL, `tenant` STRING, `source` STRING, `content_type` STRING, "
    "`language` STRING, `regions` ARRAY<STRING NOT NULL>, `revision` BIGINT NOT NULL, "
    "`event_time` TIMESTAMP(3) NOT NULL, `change` STRING, `audio` ROW<`uri` STRING>, "
    "`texts` ARRAY<ROW<`field` STRING> NOT NULL>"
)
_OF_ITEM = ("tenant", "source", "content_type", "language", "revision", "event_time")


def insert_profiles(
    sink: str,
    *,
    items: str,
    signals: Mapping[str, Sequence[SignalTopic]],
    keys: str,
    expected: Expectation,
    from_ms: int | None = None,
) -> str:
    """The statement that keeps the table `sink` up.

    `items` and `keys` are tables, as are those by which the `signals` stand that lie in them;
    `keys` has the records of all topics, undecoded. What arrived before `from_ms` is not told.
    """
    topics = [signal for together in signals.values() for signal in together]
    rows = " UNION ALL ".join(
        (
            _item_rows(items, expected, from_ms),
            *(_signal_rows(table, together, from_ms) for table, together in signals.items()),
            _taken_away(keys, topics),
        )
    )
    names = sorted(signal.name for signal in topics)
    return f"INSERT INTO {quoted(sink)} {_profile(names, _gathered(_newest(rows)))}"


def _newest(rows: str) -> str:
    """Of each item and name the row of the highest offset, if it tells anything."""
    return (
        "SELECT `content_id`, `name`, `mark`, `told` FROM (SELECT *, ROW_NUMBER() OVER "
        "(PARTITION BY `content_id`, `name` ORDER BY `offset` DESC) AS `place` "
        f"FROM ({rows})) WHERE `place` = 1 AND `told` IS NOT NULL"
    )


def _gathered(rows: str) -> str:
    """Per item its rows, and in the same order their names and their marks."""
    return (
        "SELECT `content_id`, ARRAY_AGG(`name`) AS `names`, ARRAY_AGG(`mark`) AS `marks`, "
        f"ARRAY_AGG(`told`) AS `told` FROM ({rows}) GROUP BY `content_id`"
    )


def _item_rows(table: str, expected: Expectation, from_ms: int | None) -> str:
    columns = {name: quoted(name) for name in (*_OF_ITEM, "regions")}
    told = {**columns, "expected": expected_sql(expected), "said": f"CAST(NULL AS {_SAID})"}
    parts = "`audio` IS NOT NULL AS has_audio, COALESCE(CARDINALITY(`texts`), 0) > 0 AS has_texts"
    there = f"`change` <> 'DELETED' AND {_arrived(from_ms)}"
    return (
        # "~" comes after every digit: where the item is known, it says what the item is
        f"SELECT `content_id`, {string(ITEM)} AS `name`, `offset`, {string('~')} AS `mark`, "
        f"CASE WHEN {there} THEN {_told(told)} END AS `told` FROM (SELECT *, {parts} "
        f"FROM {quoted(table)})"
    )


def _signal_rows(table: str, signals: Sequence[SignalTopic], from_ms: int | None) -> str:
    fields = by_topic({it.topic: said(it.name, it.schema.definition) for it in signals})
    ordered = (fields[field["name"]] for field in _signal_fields())
    told = {name: quoted(name) for name in _OF_ITEM} | {
        "regions": NO_NAMES,
        "expected": NO_NAMES,
        "said": f"CAST(ROW({', '.join(ordered)}) AS {_SAID})",
    }
    mark = f"LPAD(CAST(`revision` AS STRING), 19, '0') || {fields['signal']}"
    return (
        f"SELECT `content_id`, {fields['signal']} AS `name`, `offset`, {mark} AS `mark`, "
        f"CASE WHEN {_arrived(from_ms)} THEN {_told(told)} END AS `told` FROM {quoted(table)}"
    )


def _taken_away(keys: str, signals: Sequence[SignalTopic]) -> str:
    names = {ITEMS: string(ITEM), **{it.topic: string(it.name) for it in signals}}
    name = by_topic({topic: {"name": each} for topic, each in names.items()})["name"]
    return (
        f"SELECT `content_id`, {name} AS `name`, `offset`, CAST(NULL AS STRING) AS `mark`, "
        f"CAST(NULL AS {_TOLD}) AS `told` FROM {quoted(keys)} WHERE `payload` IS NULL"
    )


def _arrived(from_ms: int | None) -> str:
    return "TRUE" if from_ms is None else f"`arrived` >= TO_TIMESTAMP_LTZ({from_ms:d}, 3)"


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
