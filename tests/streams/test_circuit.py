"""A host that is down is asked by one, not by all."""

from earmark.streams.circuit import Circuits


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock, *, times: int = 3) -> Circuits:
    circuits = Circuits(failures=3, open_s=30, clock=clock)
    for _ in range(times):
        assert circuits.open_for_s("down") == 0
        circuits.failed("down")
    return circuits


def test_it_opens_after_failures_in_a_row_and_others_go_on() -> None:
    circuits = broken(Clock())
    assert circuits.open_for_s("down") == 30
    assert circuits.open_for_s("up") == 0


def test_a_failure_now_and_then_does_not_open_it() -> None:
    circuits = broken(Clock(), times=2)
    circuits.answered("down")
    circuits.failed("down")
    assert circuits.open_for_s("down") == 0


def test_when_the_time_is_over_one_asks_and_decides_for_all() -> None:
    clock = Clock()
    circuits = broken(clock)
    clock.now = 30
    assert circuits.open_for_s("down") == 0
    assert circuits.open_for_s("down") == 30  # the others wait for the first
    circuits.failed("down")
    clock.now = 60
    assert circuits.open_for_s("down") == 0
    circuits.answered("down")
    assert [circuits.open_for_s("down") for _ in range(3)] == [0, 0, 0]
