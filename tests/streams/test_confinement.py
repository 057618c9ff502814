"""A decode process that a stranger's bytes have taken over can do nothing but answer."""

import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from earmark.processors.block import Block, End
from earmark.processors.content import ContentEvent
from earmark.streams.decoding import DecodePool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's rules are Linux's")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    sys.path.insert(0, str(Path(__file__).parent))  # children inherit it
    made = DecodePool(1, decode="odd_decode:decode", memory_bytes=200_000_000, cpu_s=1)
    try:
        yield made
    finally:
        made.close()
        sys.path.pop(0)


def end_of(pool: DecodePool, what: str) -> End:
    """How an event ends over which the decoder does `what`."""
    ends: SimpleQueue[End] = SimpleQueue()

    def take(block: Block) -> None:
        if block.end is not None:
            ends.put(block.end)

    pool.submit(ContentEvent(event_id=what, content_id=what, priority=1, source=what), None, take)
    return ends.get(timeout=300)


def reason(pool: DecodePool, what: str) -> str:
    error = end_of(pool, what).error
    return "" if error is None else error.reason


@pytest.mark.parametrize("what", ["connect", "run"])
def test_it_reaches_no_network_and_starts_no_program(pool: DecodePool, what: str) -> None:
    assert reason(pool, what) == "EPERM"


def test_it_writes_no_file(pool: DecodePool) -> None:
    assert reason(pool, "write") == "EFBIG"


def test_it_does_not_grow_beyond_its_limit_and_the_next_event_is_decoded(pool: DecodePool) -> None:
    assert "exit status 1" in reason(pool, "swell")
    assert end_of(pool, "") == End(duration_ms=1)


def test_it_does_not_compute_for_ever_and_each_event_has_the_time_anew(pool: DecodePool) -> None:
    assert "SIGXCPU" in reason(pool, "spin")
    assert end_of(pool, "") == End(duration_ms=1)
