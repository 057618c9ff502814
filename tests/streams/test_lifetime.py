"""How long Kafka keeps a record, by the configuration of its topic."""

import pytest

from earmark.streams.lifetime import FOREVER, HOUSEKEEPING_MS, Lifetime

HOUR, DAY = 3_600_000, 86_400_000


def config(**changes: object) -> dict[str, str]:
    """As brokers tell it, with their defaults."""
    own = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "segment.ms": 7 * DAY,
        "retention.ms": 7 * DAY,
        "min.compaction.lag.ms": 0,
        "max.compaction.lag.ms": FOREVER,
    }
    own |= {name.replace("_", "."): value for name, value in changes.items()}
    return {name: str(value) for name, value in own.items()}


def test_a_record_outlives_its_retention_by_its_segment() -> None:
    lifetime = Lifetime.of(config(retention_ms=30 * DAY, segment_ms=DAY))
    assert lifetime.kept_until_ms(5) == 5 + 31 * DAY + HOUSEKEEPING_MS
    assert lifetime.covered_until_ms(5) is None


@pytest.mark.parametrize(
    ("segment", "least", "most", "end"),
    [
        (DAY, 7 * DAY, 8 * DAY, 8 * DAY),
        (3 * DAY, 7 * DAY, 8 * DAY, 10 * DAY),  # its segment is closed on the third day
        (30 * DAY, 7 * DAY, 8 * DAY, 15 * DAY),  # on the eighth, whatever segment.ms says
        (HOUR, 0, 8 * DAY, 8 * DAY),
    ],
)
def test_what_is_covered_goes_when_its_segment_is_closed_and_old_enough(
    segment: int, least: int, most: int, end: int
) -> None:
    lifetime = Lifetime.of(
        config(
            cleanup_policy="compact",
            segment_ms=segment,
            min_compaction_lag_ms=least,
            max_compaction_lag_ms=most,
        )
    )
    assert lifetime.covered_until_ms(5) == 5 + end + HOUSEKEEPING_MS
    assert lifetime.kept_until_ms(5) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"retention_ms": -1},
        {"cleanup_policy": "compact"},
        {"message_timestamp_type": "CreateTime", "cleanup_policy": "compact,delete"},
    ],
)
def test_where_nothing_ends_it_no_end_is_told(changes: dict[str, object]) -> None:
    lifetime = Lifetime.of(config(**changes))
    assert (lifetime.kept_until_ms(0), lifetime.covered_until_ms(0)) == (None, None)
