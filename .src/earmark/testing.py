"""What the tests of a subscriber need, without Kafka: records of every outcome, a bus, a clock.

    from earmark.testing import Bus, records

    def test_mine() -> None:
        bus = Bus()
        for sample in records("text.safety"):
            bus.publish(sample)
        with bus.subscribe("text.safety", from_beginning=True, timeout_s=0) as signals:
            assert my_count(signals) == ...

The fixtures `earmark_bus`, `earmark_clock` and `earmark_records` come with
`pytest_plugins = ["earmark.streams.testing.fixture"]` in a `conftest.py`.
"""

from earmark.streams.testing.bus import Bus, BusSubscription
from earmark.streams.testing.clock import Clock
from earmark.streams.testing.record import (
    DELETED,
    OUTCOMES,
    Sample,
    record,
    records,
    signal_names,
)

__all__ = [
    "DELETED",
    "OUTCOMES",
    "Bus",
    "BusSubscription",
    "Clock",
    "Sample",
    "record",
    "records",
    "signal_names",
]
