"""How records are handed over at the edges: an error, an end, a stop; on a bus in memory."""

import asyncio
import threading

import pytest

from earmark.models.error import ServiceError
from earmark.streams.testing.bus import Bus, BusFeed
from earmark.streams.testing.record import records

SAFETY = "text.safety"


@pytest.fixture
def bus() -> Bus:
    bus = Bus()
    for number in range(3):
        bus.publish(records(SAFETY, "OK", content_id=str(number))[0])
    return bus


def fail_after(_: object) -> None:
    raise ArithmeticError


def committed(bus: Bus) -> int:
    return sum(bus.committed["g"].values())


def test_what_is_in_hand_when_an_error_comes_is_not_committed(bus: Bus) -> None:
    group = bus.subscribe(SAFETY, group_id="g", from_beginning=True)
    with pytest.raises(ArithmeticError), group as signals:
        fail_after([next(signals), next(signals)])
    assert committed(bus) == 1


def test_what_was_handled_before_an_error_is_committed(bus: Bus) -> None:
    group = bus.subscribe(SAFETY, group_id="g", from_beginning=True, timeout_s=1)
    with pytest.raises(ArithmeticError), group as signals:
        fail_after(list(signals))  # the last was handled, too: the next was asked for
    assert committed(bus) == 3


def test_a_stop_before_it_stands_at_its_place_ends_it(bus: Bus) -> None:
    async def read() -> list[str]:
        signals = bus.subscribe_async(SAFETY, from_beginning=True)
        signals.stop()
        async with signals:
            return [signal.key async for signal in signals]

    assert asyncio.run(read()) == []


def test_it_leaves_where_what_a_cancelled_wait_has_begun_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus, begun, goes_on = Bus(), threading.Event(), threading.Event()

    def batch(*_: object) -> None:
        begun.set()
        goes_on.wait(60)
        raise ServiceError("the brokers are gone")

    monkeypatch.setattr(BusFeed, "batch", batch)

    async def read() -> None:
        signals = bus.subscribe_async(SAFETY, group_id="g")
        waiting = asyncio.ensure_future(anext(signals))
        await asyncio.to_thread(begun.wait, 60)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        goes_on.set()
        with pytest.raises(ServiceError):
            await signals.close()

    asyncio.run(read())
    assert bus.members == set()


def test_a_commit_has_its_turn_while_another_task_waits(bus: Bus) -> None:
    async def read() -> None:
        group = bus.subscribe_async(SAFETY, group_id="g", from_beginning=True, auto_commit=False)
        async with group as signals:
            for _ in range(3):
                await anext(signals)
            waiting = asyncio.ensure_future(anext(signals, None))
            await asyncio.sleep(0)
            await asyncio.wait_for(signals.commit(), 20)
            signals.stop()
            assert await waiting is None

    asyncio.run(read())
    assert committed(bus) == 3
