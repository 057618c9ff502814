"""The clock of work: what overlaps counts once, and pauses do not."""

import time
from contextlib import suppress

import pytest

from earmark.streams.busy_clock import BusyClock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    times = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: times[0])
    return times


def test_work_that_overlaps_counts_once(now: list[float]) -> None:
    clock = BusyClock()
    with clock.working():
        now[0] = 1.0
        with clock.working():
            now[0] = 3.0
        now[0] = 4.0
    now[0] = 10.0
    assert clock.seconds == 4.0


def test_work_that_goes_on_counts_already(now: list[float]) -> None:
    clock = BusyClock()
    with clock.working():
        now[0] = 2.0
        assert clock.seconds == 2.0


def test_work_that_fails_is_over(now: list[float]) -> None:
    clock = BusyClock()
    with suppress(ValueError), clock.working():
        now[0] = 1.0
        raise ValueError
    now[0] = 5.0
    assert clock.seconds == 1.0
