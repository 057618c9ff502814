"""Decode processes: blocks arrive whole and in order, and no event is lost or answered twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from earmark.processors.block import Block, End
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.error import ServiceError
from earmark.processors.loader import load_specs
from earmark.streams.decoding import AbandonedError, DecodePool
from earmark.streams.fetch import Media

HERE = Path(__file__).parent


def event(name: str, *, blocks: int = 1, then: str = "") -> ContentEvent:
    return ContentEvent(event_id=name, content_id=name, priority=blocks, source=then)


class Inbox:
    """Collects blocks by event, and waits for ends."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.blocks: dict[str, list[Block]] = {}
        self._ends: SimpleQueue[str] = SimpleQueue()
        self._pause_s = pause_s

    def take(self, block: Block) -> None:
        time.sleep(self._pause_s)
        self.blocks.setdefault(block.event.content_id, []).append(block)
        if block.end is not None:
            self._ends.put(block.event.content_id)

    def wait(self, ends: int) -> None:
        for _ in range(ends):
            self._ends.get(timeout=120)

    def end(self, name: str) -> End:
        ends = [block.end for block in self.blocks[name] if block.end is not None]
        assert len(ends) == 1
        assert self.blocks[name][-1].end is ends[0]
        return ends[0]


@contextmanager
def pool_of(slots: int, stall_s: float = 30.0, decode: str = "decode") -> Iterator[DecodePool]:
    sys.path.insert(0, str(HERE))  # children inherit it
    pool = DecodePool(slots, stall_s=stall_s, decode=f"odd_decode:{decode}")
    try:
        yield pool
    finally:
        pool.close()
        sys.path.remove(str(HERE))


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with pool_of(2) as made:
        yield made


def test_blocks_arrive_in_order_and_the_end_comes_last(pool: DecodePool) -> None:
    inbox = Inbox()
    for name in ("a", "b", "c"):
        pool.submit(event(name, blocks=5), None, inbox.take)
    inbox.wait(3)
    for name in ("a", "b", "c"):
        values = [block.samples_T[0] for block in inbox.blocks[name] if len(block.samples_T)]
        assert values == [0, 1, 2, 3, 4]
        assert inbox.end(name) == End(duration_ms=5)


def test_blocks_carry_the_event_that_was_submitted(pool: DecodePool) -> None:
    inbox, submitted = Inbox(), event("same")
    pool.submit(submitted, None, inbox.take)
    inbox.wait(1)
    assert all(block.event is submitted for block in inbox.blocks["same"])


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        ("segfault", "SIGSEGV"),
        ("exit", "exit status 3"),
        ("raise", "exit status 1"),
        ("no end", "exit status 1"),
    ],
)
def test_a_crash_is_the_end_of_its_event_alone(pool: DecodePool, end: str, cause: str) -> None:
    inbox = Inbox()
    names = [f"good {number}" for number in range(4)]
    pool.submit(event("bad", then=end), None, inbox.take)
    for name in names:
        pool.submit(event(name), None, inbox.take)
    inbox.wait(5)
    error = inbox.end("bad").error
    assert error is not None
    assert error.rejection_class == "DECODER_CRASHED"
    assert cause in error.reason
    assert all(inbox.end(name).error is None for name in names)


def test_a_child_killed_between_two_events_costs_none(pool: DecodePool) -> None:
    inbox = Inbox()
    pool.submit(event("before"), None, inbox.take)
    inbox.wait(1)
    for pid in pool.pids():
        os.kill(pid, signal.SIGKILL)
    for name in ("x", "y", "z"):
        pool.submit(event(name), None, inbox.take)
    inbox.wait(3)
    assert [inbox.end(name).error for name in ("x", "y", "z")] == [None, None, None]


def test_a_child_that_is_told_to_stop_with_its_parent_finishes_what_it_has(
    pool: DecodePool,
) -> None:
    inbox = Inbox()

    def tell_all(block: Block) -> None:
        for pid in pool.pids():
            with suppress(ProcessLookupError):  # the test before killed it and nobody noticed yet
                os.kill(pid, signal.SIGTERM)  # as systemd does to all processes of a service
        inbox.take(block)

    pool.submit(event("a", blocks=9), None, tell_all)
    inbox.wait(1)
    assert inbox.end("a").error is None
    assert len(inbox.blocks["a"]) == 10


def test_a_child_that_is_told_to_stop_before_it_is_ready_gets_ready() -> None:
    inbox = Inbox()
    with pool_of(1) as pool:
        pool.submit(event("a"), None, inbox.take)
        while not inbox.blocks:
            pool.check()
            for pid in pool.pids():
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.001)
        inbox.wait(1)
    assert inbox.end("a").error is None


def test_an_error_of_a_sink_is_not_said_to_be_a_crash_of_the_decoder() -> None:
    inbox = Inbox()

    def fail(block: Block) -> None:
        inbox.take(block)
        raise OSError(28, "no space left")

    with pool_of(1) as pool:
        pool.submit(event("a"), None, fail)
        with pytest.raises(ServiceError, match="no space left"):
            _check_until_it_fails(pool)
    assert all(block.end is None for block in inbox.blocks["a"])


def _check_until_it_fails(pool: DecodePool) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        pool.check()
        time.sleep(0.01)


def test_an_event_that_its_sink_abandons_is_heard_of_no_more(pool: DecodePool) -> None:
    heard: SimpleQueue[Block] = SimpleQueue()

    def refuse(block: Block) -> None:
        heard.put(block)
        raise AbandonedError

    inbox = Inbox()
    pool.submit(event("unwanted", blocks=3), None, refuse)
    heard.get(timeout=120)
    for name in ("x", "y", "z"):
        pool.submit(event(name), None, inbox.take)
    inbox.wait(3)
    assert heard.empty()


def test_a_hang_ends_its_event_and_the_slot_goes_on() -> None:
    with pool_of(1, stall_s=0.5) as pool:
        inbox = Inbox()
        pool.submit(event("hangs", then="hang"), None, inbox.take)
        pool.submit(event("next"), None, inbox.take)
        inbox.wait(2)
    error = inbox.end("hangs").error
    assert error is not None
    assert error.rejection_class == "DECODER_STALLED"
    assert inbox.end("next").error is None


def test_a_child_that_stops_in_the_middle_of_a_message_has_stalled() -> None:
    with pool_of(1, stall_s=1.0) as pool:
        inbox = Inbox()

        def stop_the_child(block: Block) -> None:
            if not inbox.blocks:
                time.sleep(0.3)  # by now it waits in the next message, larger than the pipe
                os.kill(pool.pids()[0], signal.SIGSTOP)
            inbox.take(block)

        pool.submit(event("stops", blocks=9), None, stop_the_child)
        inbox.wait(1)
    error = inbox.end("stops").error
    assert error is not None
    assert error.rejection_class == "DECODER_STALLED"


def test_a_slow_sink_is_no_stall_of_the_child() -> None:
    with pool_of(1, stall_s=0.5) as pool:
        inbox = Inbox(pause_s=0.8)
        pool.submit(event("waits"), None, inbox.take)
        inbox.wait(1)
    assert inbox.end("waits").error is None


def test_a_child_that_cannot_start_is_said_at_submit() -> None:
    with pool_of(1, decode="absent") as pool, pytest.raises(ServiceError, match="did not start"):
        submit_until_refused(pool)


def submit_until_refused(pool: DecodePool) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pool.submit(event("a"), None, Inbox().take)
        time.sleep(0.05)


def test_children_die_with_their_parent() -> None:
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from earmark.processors.content import ContentEvent\n"
        "from earmark.streams.decoding import DecodePool\n"
        "if __name__ == '__main__':\n"
        "    pool = DecodePool(1, decode='odd_decode:decode')\n"
        "    say = lambda block: print(pool.pids()[0], flush=True)\n"
        "    event = ContentEvent(event_id='a', content_id='a', priority=1, source='hang')\n"
        "    pool.submit(event, None, say)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(HERE)], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def test_samples_are_float32_and_writable(pool: DecodePool) -> None:
    inbox = Inbox()
    pool.submit(event("a"), None, inbox.take)
    inbox.wait(1)
    samples_T = inbox.blocks["a"][0].samples_T
    assert samples_T.dtype == np.float32
    assert samples_T.flags.writeable


def test_the_pool_says_what_the_decoder_says_in_this_process() -> None:
    meters = ("audio.integrity", "audio.loudness")
    recording = Path(__file__).parents[2] / "streams" / "samples" / "jfk.wav"
    submitted, inbox = event("jfk"), Inbox()
    submitted = replace(submitted, audio=Audio(uri=recording.as_uri()))
    pool = DecodePool(1, meters=meters)
    pool.submit(submitted, Media(content=recording), inbox.take)
    makers = {name: spec.make for name, spec in load_specs(meters).items()}
    here = list(decode(submitted, recording, meters=makers))
    inbox.wait(1)
    pool.close()
    there, end = inbox.end("jfk"), here[-1].end
    assert end is not None
    assert (there.audio_sha256, there.duration_ms) == (end.audio_sha256, 11_000)
    for name in meters:  # sums run over other numbers of threads in the two processes
        assert there.readings[name].fields == pytest.approx(end.readings[name].fields)
    assert np.array_equal(samples_of(inbox.blocks["jfk"]), samples_of(here))


def samples_of(blocks: list[Block]) -> np.ndarray:
    return np.concatenate([block.samples_T for block in blocks])


def test_no_recording_passes_that_is_longer_than_any_may_be() -> None:
    jfk = HERE.parents[1] / "streams" / "samples" / "jfk.wav"  # of 11 s
    pool, inbox = DecodePool(1, max_hours=5 / 3600, first_hours=1.0), Inbox()
    talk = ContentEvent(event_id="talk", content_id="talk", audio=Audio(data=jfk.read_bytes()))
    pool.submit(talk, None, inbox.take, whole=False)
    inbox.wait(1)
    pool.close()
    error = inbox.end("talk").error
    assert error is not None
    assert error.rejection_class == "MEDIA_TOO_LONG"
