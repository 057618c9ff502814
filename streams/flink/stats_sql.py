"""The SQL of the statistics: signals taken apart into fields, counted in windows, in buckets.

    signals.*.v1 -- a row per signal --+-- per field --+-- minutes --+-- per bucket -- per field
    a heartbeat, of which no row ------+               +-- hours ----+
    passes, but its time

Time is that of arrival. A row that comes when its window is closed is counted as late instead: a
window function would drop it and say nothing. The heartbeat closes windows where all is quiet, and
what comes after that is late too: whether a window is closed is asked behind the place where the
signals' time and the heartbeat's meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earmark.processors.drift.count import LABEL, LATE, OUTCOME, REASON, UNDETERMINED, WORD
from earmark.processors.drift.sketch import LOG_GAMMA, OFFSET, SMALLEST
from earmark.processors.schema import STATS, schema_of
from earmark.streams.flink.signal_sql import NUMBERS, WORDS, SignalTopic, by_topic, said
from earmark.streams.flink.sql_type import quoted, sql_type, string

SIGNALS, SAID, COUNTED = "signals", "said", "counted"
KEY = "key"  # of the records, beside the fields of their schema
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_GROUP = ("signal", "model", "language", "content_type")
_FIELD = (*_GROUP, "field")
_COLUMNS = {
    **dict.fromkeys((*_GROUP, "outcome", "reason"), "STRING"),
    "labels": "ARRAY<STRING NOT NULL>",
    "numbers": NUMBERS,
    "words": WORDS,
}
_NO_NUMBER = "CAST(NULL AS DOUBLE)"
_LARGEST = "1e300"  # what is beyond it, or no number, has no bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Windows of one length; `unit` is SQL's word for it."""

    unit: str
    length_ms: int

    @property
    def interval(self) -> str:
        """The length as SQL has it."""
        return f"INTERVAL '1' {self.unit}"

    @property
    def closed(self) -> str:
        """Whether the window of a row is over by what has been seen of time when it comes."""
        end = f"FLOOR(`came` TO {self.unit}) + {self.interval}"
        return f"COALESCE({end} <= CURRENT_WATERMARK(`arrived`), FALSE)"

    @property
    def in_time(self) -> str:
        """The view of the rows that come in time."""
        return f"in_time_{self.unit}"

    @property
    def late(self) -> str:
        """The view of those that do not."""
        return f"late_{self.unit}"


WINDOWS = (Window(unit="MINUTE", length_ms=60_000), Window(unit="HOUR", length_ms=3_600_000))


def views(sources: Mapping[str, Sequence[SignalTopic]], heartbeat: str | None) -> Sequence[str]:
    """The statements that name what `insert_stats` reads, in order.

    `sources` are tables, each with the signals that lie in it. `heartbeat` is a table that has
    rows when no signal comes, for their time alone.
    """
    rows = [_signal_rows(table, signals) for table, signals in sources.items()]
    if heartbeat is not None:
        rows.append(_no_rows(heartbeat))
    taken_apart = _with_buckets(" UNION ALL ".join(_taken_apart()))
    return (
        _view(SIGNALS, " UNION ALL ".join(rows)),
        _view(SAID, _together(SIGNALS)),
        _view(COUNTED, taken_apart),
        *(
            _view(window.in_time, f"SELECT * FROM {quoted(COUNTED)} WHERE NOT {window.closed}")
            for window in WINDOWS
        ),
        *(
            _view(
                window.late,
                f"SELECT *, PROCTIME() AS `now` FROM {quoted(SAID)} WHERE {window.closed}",
            )
            for window in WINDOWS
        ),
    )


def insert_stats(sink: str) -> str:
    """The statement that counts into the table `sink`, once the `views` are there."""
    windows = " UNION ALL ".join((*map(_window, WINDOWS), *map(_late, WINDOWS)))
    values = _values()
    of_schema = ", ".join(
        f"CAST({values[field['name']]} AS {sql_type(field['type']).removesuffix(' NOT NULL')}) "
        f"AS {quoted(field['name'])}"
        for field in schema_of(STATS).definition["fields"]
    )
    return (
        f"INSERT INTO {quoted(sink)} "
        f"SELECT {values[KEY]} AS {quoted(KEY)}, {of_schema} FROM ({windows})"
    )


def _view(name: str, query: str) -> str:
    return f"CREATE TEMPORARY VIEW {quoted(name)} AS {query}"


def _signal_rows(table: str, signals: Sequence[SignalTopic]) -> str:
    """A row per record; what it says is read as its topic's signal has it."""
    fields = by_topic({it.topic: said(it.name, it.schema.definition) for it in signals})

    def of(name: str) -> str:
        return f"{fields[name]} AS {quoted(name)}"

    return (
        f"SELECT `arrived`, {of('signal')}, {of('model')}, "
        f"COALESCE(`language`, {string(UNDETERMINED)}) AS `language`, `content_type`, `outcome`, "
        f"`reason`, {of('labels')}, {of('numbers')}, {of('words')} FROM {quoted(table)}"
    )


def _no_rows(heartbeat: str) -> str:
    """Nothing but the heartbeat's watermarks: the planner cannot know that no row passes."""
    nothing = ", ".join(
        f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in _COLUMNS.items()
    )
    return f"SELECT `arrived`, {nothing} FROM {quoted(heartbeat)} WHERE `beat` < 0"


def _together(view: str) -> str:
    """The same rows, seen where the times of all sources meet, with when they `came`.

    The planner moves what is asked of a row in front of a union, where each source has only its
    own time, but not in front of this, an array of one element taken apart, if it asks for the
    element too.
    """
    columns = _names(("arrived", *_COLUMNS))
    came = "UNNEST(ARRAY[CAST(`arrived` AS TIMESTAMP_LTZ(3))]) AS u (`came`)"
    return f"SELECT {columns}, `came` FROM {quoted(view)} CROSS JOIN {came}"


def _taken_apart() -> Sequence[str]:
    return (
        _fields(f"'{OUTCOME}' || `outcome`"),
        _fields(f"'{REASON}' || `reason`", where="`reason` IS NOT NULL"),
        _fields(f"'{LABEL}' || `name`", "UNNEST(`labels`) AS u (`name`)"),
        _fields(f"'{WORD}' || `name` || '.' || `word`", "UNNEST(`words`) AS u (`name`, `word`)"),
        _fields(
            "`name`",
            "UNNEST(`numbers`) AS u (`name`, `n`)",
            number="`n`",
            where=f"`n` BETWEEN -{_LARGEST} AND {_LARGEST}",
        ),
    )


def _fields(field: str, unnest: str = "", *, number: str = _NO_NUMBER, where: str = "TRUE") -> str:
    cross = f" CROSS JOIN {unnest}" if unnest else ""
    return (
        f"SELECT `arrived`, `came`, {_names(_GROUP)}, {field} AS `field`, {number} AS `number` "
        f"FROM {quoted(SAID)}{cross} WHERE {where}"
    )


def _with_buckets(rows: str) -> str:
    """The same rows with the bucket of their number, as `processors.drift.sketch.bucket` has it."""
    size = "ABS(`number`)"
    place = f"CEIL(LN({size}) / CAST({LOG_GAMMA!r} AS DOUBLE)) + {OFFSET}"
    return (
        f"SELECT *, CASE WHEN {size} < {SMALLEST!r} THEN 0 "
        f"WHEN `number` IS NOT NULL THEN CAST(SIGN(`number`) * ({place}) AS INT) END AS `bucket` "
        f"FROM ({rows})"
    )


def _window(window: Window) -> str:
    """A row per window and field, from one per bucket."""
    by = _names(("window_start", "window_end", *_FIELD))
    per_bucket = (
        f"SELECT {by}, `bucket`, COUNT(*) AS `c`, COUNT(`number`) AS `n`, SUM(`number`) AS `s`, "
        "SUM(`number` * `number`) AS `q`, MIN(`number`) AS `lo`, MAX(`number`) AS `hi` "
        f"FROM TABLE(TUMBLE(TABLE {quoted(window.in_time)}, DESCRIPTOR(`arrived`), "
        f"{window.interval})) GROUP BY {by}, `bucket`"
    )
    shares = ", ".join(f"CAST({share} AS DOUBLE)" for share in QUANTILES)
    return (
        f"SELECT {by}, {window.length_ms} AS `window_ms`, SUM(`c`) AS `c`, SUM(`n`) AS `n`, "
        "SUM(`s`) AS `s`, SUM(`q`) AS `q`, MIN(`lo`) AS `lo`, MAX(`hi`) AS `hi`, "
        f"PERCENTILE({_MIDDLE}, ARRAY[{shares}], `n`) AS `quantiles`, "
        f"ARRAY_AGG(CAST(ROW(`bucket`, `n`) AS {_BUCKET})) FILTER (WHERE `n` > 0) AS `histogram` "
        f"FROM ({per_bucket}) GROUP BY {by}"
    )


def _late(window: Window) -> str:
    by = _names(("window_start", "window_end", *_GROUP))
    nothing = ", ".join(f"{_NO_NUMBER} AS {quoted(name)}" for name in ("s", "q", "lo", "hi"))
    return (
        f"SELECT {by}, {string(LATE)} AS `field`, {window.length_ms} AS `window_ms`, "
        f"COUNT(*) AS `c`, CAST(0 AS BIGINT) AS `n`, {nothing}, "
        "CAST(NULL AS ARRAY<DOUBLE>) AS `quantiles`, "
        f"CAST(NULL AS ARRAY<{_BUCKET}>) AS `histogram` "
        f"FROM TABLE(TUMBLE(TABLE {quoted(window.late)}, DESCRIPTOR(`now`), {window.interval})) "
        f"GROUP BY {by}"
    )


def _values() -> dict[str, str]:
    """For each field of a record, and for its key, the expression over a window's row."""
    parts = (*_FIELD, "window_ms", "window_start")
    spread = "(`q` - `s` * `s` / `n`) / (`n` - 1)"
    return {
        KEY: " || '|' || ".join(f"CAST({quoted(part)} AS STRING)" for part in parts),
        **{name: quoted(name) for name in (*parts, "window_end")},
        "count": "`c`",
        "mean": "CASE WHEN `n` > 0 THEN `s` / `n` END",
        "deviation": f"CASE WHEN `n` > 1 THEN SQRT(GREATEST({spread}, 0e0)) END",
        "minimum": "`lo`",
        "maximum": "`hi`",
        "quantiles": "COALESCE(`quantiles`, ARRAY_REMOVE(ARRAY[0e0], 0e0))",
        "histogram": f"COALESCE(`histogram`, ARRAY_REMOVE(ARRAY[{_NO_BUCKET}], {_NO_BUCKET}))",
    }


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


_BUCKET = "ROW<`bucket` INT NOT NULL, `count` BIGINT NOT NULL>"
_NO_BUCKET = f"CAST(ROW(0, CAST(0 AS BIGINT)) AS {_BUCKET})"
# the middle of a bucket, as `processors.drift.sketch.value` has it
_MIDDLE = (
    f"CASE WHEN `bucket` = 0 THEN 0e0 ELSE SIGN(`bucket`) * 2e0 "
    f"/ (1e0 + EXP(CAST({LOG_GAMMA!r} AS DOUBLE))) "
    f"* EXP((ABS(`bucket`) - {OFFSET}) * CAST({LOG_GAMMA!r} AS DOUBLE)) END"
)
