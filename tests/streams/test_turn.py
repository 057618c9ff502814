"""Turns at an even rate, on a clock of the test's own."""

from earmark.streams.turn import Turns


class Clock:
    """Goes on when it is waited for."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken_at(each: Turns, clock: Clock, turns: int) -> list[float]:
    times = []
    for _ in range(turns):
        clock.now += each.wait_s()
        each.take()
        times.append(clock.now - 100)
    return times


def test_turns_are_spaced_evenly() -> None:
    clock = Clock()
    times = taken_at(Turns(4, clock=clock), clock, 5)
    assert times == [0, 0.25, 0.5, 0.75, 1.0]


def test_a_rate_finer_than_a_wait_still_holds() -> None:
    clock = Clock()
    times = taken_at(Turns(10_000, clock=clock), clock, 20_001)
    assert 1.99 < times[-1] < 2.01


def test_a_long_pause_is_not_made_up_for() -> None:
    clock = Clock()
    each = Turns(10, clock=clock)
    taken_at(each, clock, 1)
    clock.now += 60
    times = taken_at(each, clock, 10)
    assert times[-1] - times[0] > 0.75


def test_without_a_rate_nobody_waits() -> None:
    clock = Clock()
    assert taken_at(Turns(None, clock=clock), clock, 1000)[-1] == 0


def test_turns_that_are_not_over_hold_up_the_next() -> None:
    each = Turns(1_000)
    assert each.wait_s(still_open=250) == 0
    assert each.wait_s(still_open=251) > 0
    assert Turns(None).wait_s(still_open=1_000_000) == 0
