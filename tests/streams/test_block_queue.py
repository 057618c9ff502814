from threading import Thread

import numpy as np

from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.content import ContentEvent
from earmark.streams.block_queue import BlockQueue

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
