"""Room is never overdrawn, nobody overtakes, and nothing is too large to pass alone."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from earmark.processors.error import ServiceError
from earmark.streams.room import Place, Room


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    return holds()


def waiting(pool: ThreadPoolExecutor, room: Room, size: int) -> "Future[Place]":
    """Someone who asks for room and does not get it at once."""
    taken = pool.submit(room.take, size)
    with pytest.raises(TimeoutError):
        taken.result(timeout=0.05)
    return taken


def test_what_is_held_never_exceeds_the_room() -> None:
    room, seen, lock = Room(100), [0], threading.Lock()

    def visit(size: int) -> None:
        with room.take(size):
            with lock:
                seen.append(room.bytes)
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, [1, 60, 99, 30, 5, 50, 100, 7] * 20))
    assert 60 < max(seen) <= 100
    assert room.bytes == 0


def test_nobody_overtakes_one_who_waits_for_more_room() -> None:
    room = Room(100)
    with ThreadPoolExecutor(2) as pool:
        first = room.take(60)
        large = waiting(pool, room, 90)
        small = waiting(pool, room, 10)
        first.leave()
        assert large.result(timeout=10) is not None
        assert small.result(timeout=10) is not None
    assert room.bytes == 100


def test_a_thing_of_any_size_passes_when_nobody_else_is_there() -> None:
    room = Room(100)
    with ThreadPoolExecutor(1) as pool:
        huge = room.take(1_000)
        small = waiting(pool, room, 1)
        huge.leave()
        small.result(timeout=10).leave()
    assert room.bytes == 0


def test_what_turns_out_larger_keeps_others_out() -> None:
    room = Room(100)
    with ThreadPoolExecutor(1) as pool:
        unknown = room.take(0)
        unknown.hold(95)
        later = waiting(pool, room, 10)
        unknown.hold(90)
        later.result(timeout=10).leave()
    unknown.leave()
    unknown.leave()
    unknown.hold(50)
    assert room.bytes == 0


def test_it_is_said_that_somebody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.streams.room.WAIT_S", 0.01)
    told: list[int] = []
    room = Room(100, waiting=lambda: told.append(1))
    with ThreadPoolExecutor(1) as pool, room.take(100):
        assert told == []
        later = pool.submit(room.take, 1)
        assert eventually(lambda: len(told) > 3)
        room.close()
        with pytest.raises(ServiceError):
            later.result(timeout=10)


def test_after_the_end_nobody_is_let_in() -> None:
    room = Room(100)
    room.close()
    with pytest.raises(ServiceError, match="ends"):
        room.take(1)
