"""What the tests of a subscriber need, without Kafka: records of every outcome, a bus, a clock.

    from earmark.testing import Bus, records

    def test_mine() -> None:
        bus = Bus()
        for sample in records("text.safety"):
            bus.publish(sample)
        with bus.subscribe("text.safety", from_beginning=True, timeout_s=1) as signals:
            assert my_count(signals) == ...

The fixtures `earmark_bus`, `earmark_clock` and `earmark_records` come with
`pytest_plugins = ["earmark.streams.testing.fixture"]` in a `conftest.py`. Kafka's client is
imported with the bus, when that is first used; no broker ever is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from earmark.streams.testing.clock import Clock
from earmark.streams.testing.record import (
    DELETED,
    OUTCOMES,
    Sample,
    record,
    records,
    signal_names,
)

if TYPE_CHECKING:
    from earmark.streams.testing.bus import Bus

__all__ = [
    "DELETED",
    "OUTCOMES",
    "Bus",
    "Clock",
    "Sample",
    "record",
    "records",
    "signal_names",
]


def __getattr__(name: str) -> object:
    """The bus, imported at first use."""
    if name != "Bus":
        raise AttributeError(f"module 'earmark.testing' has no attribute {name!r}")
    return import_module("earmark.streams.testing.bus").Bus
