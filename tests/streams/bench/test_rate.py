"""How two works are timed beside each other."""

from itertools import count

import torch

from earmark.streams.bench.rate import Work, rates, timed, torch_threads


def test_works_take_turns_and_the_first_turn_does_not_count():
    turns: list[str] = []
    ticks = iter([*(0, 100), *(0, 100), *(0, 2), *(0, 4)])
    ours = Work(run=lambda: turns.append("ours"), amount=10)
    baseline = Work(run=lambda: turns.append("baseline"), amount=10)
    measured = rates(ours, baseline, repetitions=1, clock=lambda: float(next(ticks)))
    assert turns == ["ours", "baseline"] * 2
    assert measured == ([5.0], [2.5])


def test_each_turn_has_a_rate_of_its_own():
    seconds = iter([0, 1, 6, 2])  # of our runs: the first warms up
    now = [0.0]

    def run() -> None:
        now[0] += next(seconds)

    def wait() -> None:
        now[0] += 1

    works = Work(run=run, amount=6), Work(run=wait, amount=4)
    assert rates(*works, repetitions=3, clock=lambda: now[0]) == ([6, 1, 3], [4, 4, 4])


def test_what_is_prepared_before_each_run_takes_no_time():
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    work = Work(run=lambda: wait(1), amount=3, prepare=lambda: wait(100))
    assert rates(work, work, repetitions=2, clock=lambda: now[0]) == ([3.0, 3.0], [3.0, 3.0])


def test_seconds_are_those_of_the_runs_whatever_their_amount():
    ticks = (2.0 * number for number in count())
    work = Work(run=lambda: None, amount=7)
    assert timed(work, work, repetitions=2, clock=lambda: next(ticks)) == ([2.0] * 2, [2.0] * 2)


def test_torch_gets_its_threads_back():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
