"""The same subscription under asyncio."""

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

import earmark

pytestmark = [pytest.mark.kafka]


def reading(topic: Any, **asked: Any) -> Any:
    return earmark.subscribe_async(topic.name, settings=topic.settings, **asked)


@pytest.fixture
def thousand(own_topic: Any) -> Any:
    for number in range(1000):
        own_topic.put(str(number))
    own_topic.flush()
    return own_topic


async def some(signals: Any, number: int) -> list[str]:
    return [(await anext(signals)).key for _ in range(number)]


def test_all_is_read_and_it_ends_when_nothing_has_come_for_the_time_given(thousand: Any) -> None:
    async def read() -> list[str]:
        async with reading(thousand, from_beginning=True, timeout_s=5) as signals:
            return [signal.key async for signal in signals]

    assert sorted(asyncio.run(read()), key=int) == [str(number) for number in range(1000)]


def test_the_loop_turns_while_it_waits(own_topic: Any) -> None:
    async def turns() -> int:
        async with reading(own_topic, timeout_s=1) as signals:
            waiting = asyncio.ensure_future(anext(signals, None))
            turned = 0
            while not waiting.done():
                await asyncio.sleep(0.01)
                turned += 1
            return turned

    assert asyncio.run(turns()) > 5


def test_a_wait_that_is_cancelled_loses_nothing_and_goes_at_once(own_topic: Any) -> None:
    async def read() -> list[str]:
        async with reading(own_topic, timeout_s=60) as signals:
            for _ in range(5):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(signals), 0.05)
            for number in range(50):
                own_topic.put(str(number))
            await asyncio.to_thread(own_topic.flush)
            found = []
            with suppress(TimeoutError):  # cancelled while its records arrive
                found.append((await asyncio.wait_for(anext(signals), 0.01)).key)
            return found + await some(signals, 50 - len(found))

    assert sorted(asyncio.run(read()), key=int) == [str(number) for number in range(50)]


def test_its_position_goes_on_and_its_thread_ends(thousand: Any) -> None:
    async def read(**asked: Any) -> tuple[list[str], dict[str, int]]:
        async with reading(thousand, timeout_s=60, **asked) as signals:
            return await some(signals, 500), signals.position()

    of_others = set(threading.enumerate())  # such as a server's, which end in their own time
    first, position = asyncio.run(read(from_beginning=True))
    second, _ = asyncio.run(read(start=position))
    assert sorted(first + second, key=int) == [str(number) for number in range(1000)]
    left = [thread.name for thread in set(threading.enumerate()) - of_others]
    assert not [name for name in left if name.startswith("earmark-subscription")]


def test_errors_of_the_arguments_come_when_it_is_entered() -> None:
    async def read() -> None:
        async with earmark.subscribe_async("audio.loudnes"):
            pass

    with pytest.raises(Exception, match=r"unknown 'audio\.loudnes'"):
        asyncio.run(read())
