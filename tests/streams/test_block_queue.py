import time
from threading import Event, Thread

import numpy as np

from earmark.processors.block import NO_SAMPLES, STIR, Block, End
from earmark.processors.content import ContentEvent
from earmark.streams.block_queue import MOST_LINGERS, BlockQueue

EVENT = ContentEvent(event_id="e", content_id="c")
SECOND = np.zeros(16_000, np.float32)


def test_a_full_queue_makes_the_decoder_wait_and_never_holds_more_than_one_block_too_many() -> None:
    blocks = BlockQueue(max_bytes=2 * SECOND.nbytes, linger_s=1.0)
    second = Block(event=EVENT, samples_T=SECOND)
    decoder = Thread(target=lambda: [blocks.put(second) for _ in range(9)])
    decoder.start()
    stream = blocks.stream()
    for _ in range(9):
        assert next(stream) is not None
        assert blocks.bytes <= 2 * SECOND.nbytes
    decoder.join(timeout=5)
    assert not decoder.is_alive()


def test_a_block_without_samples_never_waits() -> None:
    blocks = BlockQueue(max_bytes=1, linger_s=1.0)
    blocks.put(Block(event=EVENT, samples_T=SECOND))
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))


def test_the_stream_says_when_nothing_more_is_ready_and_ends_when_closed() -> None:
    blocks = BlockQueue(max_bytes=100, linger_s=0.01)
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
    stream = blocks.stream()
    assert next(stream) is not None
    assert next(stream) is None
    blocks.close()
    assert list(stream) == []


def test_in_a_hurry_nothing_more_is_waited_for() -> None:
    """An event that is computed alone has no company to wait for."""
    blocks = BlockQueue(max_bytes=100, linger_s=600.0)
    blocks.hurried = True
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
    stream = blocks.stream()
    assert next(stream) is not None
    assert next(stream) is None


def test_closing_frees_a_waiting_decoder() -> None:
    blocks = BlockQueue(max_bytes=1, linger_s=1.0)
    blocks.put(Block(event=EVENT, samples_T=SECOND))
    decoder = Thread(target=blocks.put, args=(Block(event=EVENT, samples_T=SECOND),))
    decoder.start()
    blocks.close()
    decoder.join(timeout=5)
    assert not decoder.is_alive()


def test_steady_traffic_that_never_pauses_is_not_made_to_wait_for_full_batches() -> None:
    blocks, stopping = BlockQueue(max_bytes=100, linger_s=0.2), Event()

    def send() -> None:
        while not stopping.wait(0.01):
            blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
        blocks.close()

    traffic = Thread(target=send)
    traffic.start()
    stream = blocks.stream()
    taken = next(i for i, block in enumerate(stream) if block is None or i > 1_000)
    stopping.set()
    traffic.join()
    assert 1 < taken <= 1_000


def test_who_is_behind_gets_all_that_waits_in_one_batch() -> None:
    blocks = BlockQueue(max_bytes=100, linger_s=0.001)
    for _ in range(5):
        blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
    stream = blocks.stream()
    for _ in range(5):
        assert next(stream) is not None
        time.sleep(2 * MOST_LINGERS * 0.001)
    assert next(stream) is None


def test_what_is_the_last_to_come_waits_for_no_company() -> None:
    blocks = BlockQueue(max_bytes=100, linger_s=600.0)
    blocks.wait_for(2)
    stream = blocks.stream()
    for _ in range(2):
        blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
        assert next(stream) is not None
    assert next(stream) is None


def test_who_waits_for_company_hears_that_none_will_come() -> None:
    blocks = BlockQueue(max_bytes=100, linger_s=600.0)
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
    stream = blocks.stream()
    assert next(stream) is not None
    waiting = Thread(target=lambda: next(stream))
    waiting.start()
    blocks.wait_for(1)
    waiting.join(timeout=5)
    assert not waiting.is_alive()


def test_a_stir_is_said_where_nothing_else_is() -> None:
    blocks = BlockQueue(max_bytes=100, linger_s=600.0)
    stream = blocks.stream()
    blocks.stir()
    assert next(stream) is STIR  # before the first block too, when a drain has gone before
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES))
    blocks.stir()
    assert isinstance(next(stream), Block)  # whoever takes it sees what is through as well
    blocks.stir()
    assert next(stream) is STIR


def test_a_stir_puts_nothing_off() -> None:
    """What waits for company waits no longer for being stirred, and not at all if none comes."""
    blocks = BlockQueue(max_bytes=100, linger_s=0.01)
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
    stream = blocks.stream()
    assert isinstance(next(stream), Block)
    stirring = Event()

    def stir() -> None:
        while not stirring.wait(0.001):
            blocks.stir()

    thread = Thread(target=stir)
    thread.start()
    began = time.monotonic()
    while next(stream) is not None:
        assert time.monotonic() - began < 5
    blocks.wait_for(1)
    stirring.set()
    thread.join()


def test_where_no_company_comes_a_stir_is_no_reason_to_wait() -> None:
    blocks = BlockQueue(max_bytes=100, linger_s=600.0)
    blocks.put(Block(event=EVENT, samples_T=NO_SAMPLES, end=End()))
    stream = blocks.stream()
    assert isinstance(next(stream), Block)
    blocks.wait_for(1)
    blocks.stir()
    assert next(stream) is None
