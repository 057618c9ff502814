"""Lanes: batches side by side, those with a model in common one at a time, and notes in order."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Event, Lock

import pytest

from earmark.processors.error import ModelError
from earmark.processors.lanes import Job, LaneExecutor, Lanes, grouped
from earmark.processors.signal import Part, SignalSpec, Takes


class Threads(ThreadPoolExecutor):
    """An executor that says how wide it is."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.width = width


@pytest.fixture
def two() -> Iterator[LaneExecutor]:
    with Threads(2) as threads:
        yield threads


def spec(name: str, **options: object) -> SignalSpec:
    return SignalSpec(
        name=name,
        takes=Takes.CLIPS,
        reads=frozenset({Part.AUDIO}),
        make=lambda _: None,
        **options,  # type: ignore[arg-type]  # of one field each
    )


@dataclass(eq=False)
class Stage:
    """Counts its batches down; `compute` gets the number of each."""

    specs: Sequence[SignalSpec]
    left: int = 1
    noted: list[int] = field(default_factory=list)

    @property
    def fill(self) -> float:
        return float(self.left)

    def batch(self) -> Job | None:
        if not self.left:
            return None
        self.left -= 1
        number = self.left
        return Job(compute=lambda: self.compute(number), note=self.noted.append)

    def compute(self, number: int) -> int:
        return number


def test_without_threads_a_batch_is_through_when_it_is_started() -> None:
    stage = Stage([spec("a")], left=2)
    lanes = Lanes([stage])
    lanes.start(stage)
    assert (stage.noted, lanes.busy, lanes.idle) == ([1], False, False)


def test_models_that_have_nothing_in_common_compute_at_once(two: LaneExecutor) -> None:
    meet = Barrier(2, timeout=30)

    class Meeting(Stage):
        def compute(self, number: int) -> int:
            meet.wait()  # passes if the other computes meanwhile, and fails otherwise
            return number

    stages = [Meeting([spec("a", models=("x",))]), Meeting([spec("b", models=("y",))])]
    lanes = Lanes(stages, two)
    for stage in stages:
        assert lanes.takes(stage)
        lanes.start(stage)
    while lanes.busy:
        lanes.collect(wait_for_one=True)
    assert [stage.noted for stage in stages] == [[0], [0]]


@pytest.mark.parametrize(
    "pair",
    [
        (spec("a", models=("x",)), spec("b", models=("y", "x"))),
        (spec("a"), spec("b", follows=("a",))),
        (spec("a"), spec("a")),
    ],
)
def test_of_those_that_share_one_batch_is_computed_at_a_time(
    two: LaneExecutor, pair: tuple[SignalSpec, SignalSpec]
) -> None:
    go_on = Event()

    class Waiting(Stage):
        def compute(self, number: int) -> int:
            go_on.wait(30)
            return number

    first, second = Waiting([pair[0]], left=2), Waiting([pair[1]])
    lanes = Lanes([first, second], two)
    lanes.start(first)
    assert not lanes.takes(first)
    assert not lanes.takes(second)
    assert lanes.idle
    go_on.set()
    lanes.collect(wait_for_one=True)
    assert first.noted == [1]
    assert lanes.takes(first)
    assert lanes.takes(second)


def test_stages_are_in_one_group_if_a_third_joins_them() -> None:
    a, b = Stage([spec("a", models=("x",))]), Stage([spec("b", models=("y",))])
    alone = Stage([spec("d", models=("z",))])
    both = Stage([spec("c", models=("x", "y"))])
    assert sorted(map(len, grouped([a, b, alone, both]))) == [1, 3]


def test_no_more_is_begun_than_there_are_threads(two: LaneExecutor) -> None:
    go_on, most, now, lock = Event(), [0], [0], Lock()

    class Counting(Stage):
        def compute(self, number: int) -> int:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            go_on.wait(30)
            with lock:
                now[0] -= 1
            return number

    stages = [Counting([spec(name)]) for name in "abc"]
    lanes = Lanes(stages, two)
    lanes.start(stages[0])
    lanes.start(stages[1])
    assert not lanes.takes(stages[2])
    assert not lanes.idle
    go_on.set()
    while lanes.busy:
        lanes.collect(wait_for_one=True)
    assert most[0] <= 2


def test_what_a_batch_raises_is_raised_where_it_is_noted(two: LaneExecutor) -> None:
    class Broken(Stage):
        def compute(self, number: int) -> int:
            raise ModelError("broken")

    stage = Broken([spec("a")])
    lanes = Lanes([stage], two)
    lanes.start(stage)
    with pytest.raises(ModelError, match="broken"):
        lanes.collect(wait_for_one=True)
