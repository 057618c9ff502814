"""Drift is told day by day, from the windows that the index holds."""

from earmark.streams.testing.record import Sample
from earmark.streams.web.days import DAY_MS, REFERENCE_DAYS, days_of_drift
from earmark.streams.web.index.file import IndexFile
from tests.streams.web.held import put, reading, signal

HOUR_MS = 3_600_000
FIELD = "outcome."


def window(day: int, outcome: str, count: int, *, hour: int = 1) -> Sample:
    start = day * DAY_MS + hour * HOUR_MS
    return signal_stats(start, f"{FIELD}{outcome}", count)


def signal_stats(start: int, field: str, count: int) -> Sample:
    counted = {"count": count, "mean": None, "deviation": None, "histogram": []}
    named = {"signal": "text.safety", "model": "m 1", "language": "en", "content_type": "TRACK"}
    times = {"window_ms": HOUR_MS, "window_start": start, "window_end": start + HOUR_MS}
    return signal("signal.stats.v1", "-", field=field, **counted, **named, **times)


def test_a_day_unlike_those_before_it_has_drifted(index: IndexFile) -> None:
    for day in range(20_000, 20_003):
        put(index, window(day, "OK", 900), window(day, "ABSTAINED", 100, hour=2))
    put(index, window(20_003, "OK", 300), window(20_003, "ABSTAINED", 700))
    with reading(index) as reader:
        found = days_of_drift(reader, "text.safety", 3)["days"]
        assert days_of_drift(reader, "audio.music", 3)["days"] == []
    by_day = {row["day_ms"] // DAY_MS: row for row in found if row["field"] == "outcome"}
    assert {day: row["drifted"] for day, row in by_day.items()} == {
        20_001: False,
        20_002: False,
        20_003: True,
    }
    worst = by_day[20_003]
    assert worst["psi"] > worst["interval"][0] > worst["limit"]
    assert worst["slice"] == {"model": "m 1", "language": "en", "content_type": "TRACK"}
    assert found[0] == worst


def test_days_are_compared_with_the_week_before_them_alone(index: IndexFile) -> None:
    put(index, window(20_000, "OK", 1_000), window(20_000 + REFERENCE_DAYS + 1, "OK", 1_000))
    with reading(index) as reader:
        assert days_of_drift(reader, None, 60) == {"days": [], "alerts": []}


def test_alerts_are_shown_the_newest_first(index: IndexFile) -> None:
    put(index, *(signal_alert(end) for end in (1_000, 3_000, 2_000)))
    with reading(index) as reader:
        found = days_of_drift(reader, None, 1)["alerts"]
    assert [alert["window_end"] for alert in found] == [3_000, 2_000, 1_000]


def signal_alert(end: int) -> Sample:
    return signal("signal.alerts.v1", "-", alert_id=str(end), window_end=end)
