"""Fixtures for the tests of a subscriber: `pytest_plugins = ["earmark.streams.testing.fixture"]`.

`earmark_clock` is a clock that stands still, `earmark_bus` a bus by that clock from which
`earmark.subscribe` reads while the test runs, and `earmark_records` what makes records for it.
"""

from collections.abc import Callable, Iterator

import pytest

from earmark.streams.testing.bus import Bus
from earmark.streams.testing.clock import Clock
from earmark.streams.testing.record import Sample, records


@pytest.fixture
def earmark_clock() -> Clock:
    """A clock that stands still until it is told to move."""
    return Clock()


@pytest.fixture
def earmark_bus(earmark_clock: Clock) -> Iterator[Bus]:
    """A bus in memory; while the test runs `earmark.subscribe` reads from it."""
    with Bus(earmark_clock).in_place() as bus:
        yield bus


@pytest.fixture
def earmark_records() -> Callable[..., tuple[Sample, ...]]:
    """`records`: what each signal publishes, of every outcome."""
    return records
