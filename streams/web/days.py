"""Drift day by day: each day's counts of signals against those of the days before it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from earmark.processors.drift.count import Counts, FieldCount, Group, added, field_count_of
from earmark.processors.drift.finding import Finding, Limits, Measure, compare
from earmark.streams.web.index.reader import IndexReader

DAY_MS = 86_400_000
REFERENCE_DAYS = 7
MOST_ROWS = 2_000
MOST_ALERTS = 200

ByDay = Mapping[int, Mapping[Group, Counts]]


def days_of_drift(reader: IndexReader, signal: str | None, days: int) -> dict[str, Any]:
    """The last days, each with what moved of its signals, and the alerts that were raised.

    A day is compared with the `REFERENCE_DAYS` before it, as far as they were counted.
    """
    by_day = _by_day(reader, signal, days + REFERENCE_DAYS)
    last = max(by_day, default=0)
    rows = [row for day in sorted(by_day) if day > last - days for row in _compared(by_day, day)]
    rows.sort(key=lambda row: (not row["drifted"], -row["day_ms"]))
    return {"days": rows[:MOST_ROWS], "alerts": _alerts(reader, signal)}


def _by_day(reader: IndexReader, signal: str | None, days: int) -> ByDay:
    """What was counted, by day since the epoch; the last `days` of which there is anything."""
    (newest,) = reader.rows("SELECT max(window_start) FROM stats")[0]
    since = ((newest or 0) // DAY_MS - days) * DAY_MS
    cursor = reader.cursor(
        "SELECT window_start, signal, model, language, content_type, field, record FROM stats "
        "WHERE window_start >= ? AND (? IS NULL OR signal = ?)",
        (since, signal, signal),
    )
    parts: dict[int, dict[Group, dict[str, list[FieldCount]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for start, name, model, language, content_type, field, record in cursor:
        group = Group(signal=name, model=model, language=language, content_type=content_type)
        parts[start // DAY_MS][group][field].append(field_count_of(json.loads(record)))
    return {
        day: {group: _summed(fields) for group, fields in groups.items()}
        for day, groups in parts.items()
    }


def _compared(by_day: ByDay, day: int) -> Iterator[dict[str, Any]]:
    before = [by_day[each] for each in range(day - REFERENCE_DAYS, day) if each in by_day]
    if not before:
        return
    reference = _together(before)
    found: dict[tuple[Group, str], dict[Measure, Finding]] = defaultdict(dict)
    for finding in compare(reference, by_day[day], Limits()).findings:
        found[finding.group, finding.field][finding.measure] = finding
    for (group, field), measures in found.items():
        yield _row(day, group, field, measures)


def _row(day: int, group: Group, field: str, measures: Mapping[Measure, Finding]) -> dict[str, Any]:
    some = next(iter(measures.values()))
    shown = measures.get(Measure.PSI, some)
    psi, ks = measures.get(Measure.PSI), measures.get(Measure.KS)
    return {
        "day": datetime.fromtimestamp(day * DAY_MS / 1000, UTC).strftime("%Y-%m-%d"),
        "day_ms": day * DAY_MS,
        "signal": group.signal,
        "slice": {
            "model": group.model,
            "language": group.language,
            "content_type": group.content_type,
        },
        "field": field,
        "psi": None if psi is None else psi.distance.value,
        "ks": None if ks is None else ks.distance.value,
        "interval": [shown.distance.low, shown.distance.high],
        "limit": shown.limit,
        "count": some.count,
        "reference_count": some.reference_count,
        "words": shown.words,
        "drifted": any(finding.drifted for finding in measures.values()),
    }


def _together(days: Iterable[Mapping[Group, Counts]]) -> dict[Group, Counts]:
    parts: dict[Group, dict[str, list[FieldCount]]] = defaultdict(lambda: defaultdict(list))
    for day in days:
        for group, counts in day.items():
            for field, count in counts.items():
                parts[group][field].append(count)
    return {group: _summed(fields) for group, fields in parts.items()}


def _summed(fields: Mapping[str, list[FieldCount]]) -> Counts:
    return {name: added(parts) for name, parts in sorted(fields.items())}


def _alerts(reader: IndexReader, signal: str | None) -> list[dict[str, Any]]:
    rows = reader.rows(
        "SELECT record FROM alerts WHERE ? IS NULL OR signal = ? ORDER BY window_end DESC LIMIT ?",
        (signal, signal, MOST_ALERTS),
    )
    return [json.loads(text) for (text,) in rows]
