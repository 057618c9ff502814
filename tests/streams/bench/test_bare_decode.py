"""Decoded in other processes, recordings are what they are when decoded here."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.processors.block import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.streams.bench.bare_decode import Decoders
from earmark.streams.bench.mix import Mix, events, recorded


def samples(blocks: list[Block], event: object) -> NDArray[np.float32]:
    return np.concatenate([block.samples_T for block in blocks if block.event is event])


def test_processes_decode_every_recording_as_this_one_does(tmp_path: Path) -> None:
    heard = events(Mix.VOICE, tmp_path, run="a", count=3)
    files = [made.path for made in recorded(Mix.VOICE, tmp_path, count=3)]
    with Decoders(2) as decoders:
        first, again = list(decoders.blocks(heard)), list(decoders.blocks(heard[:1]))
    for event, file in zip(heard, files, strict=True):
        here = list(decode(event, file))
        assert np.array_equal(samples(first, event), samples(here, event))
        assert [b.end for b in first if b.event is event and b.end] == [here[-1].end]
    assert np.array_equal(samples(again, heard[0]), samples(first, heard[0]))


def test_minutes_come_as_blocks_in_order_and_only_the_last_ends(tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    with wave.open(str(file), "wb") as long:
        long.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        long.writeframes(np.arange(200 * SAMPLE_RATE_HZ, dtype=np.uint32).astype("<i2").tobytes())
    event = ContentEvent(
        event_id="a",
        content_id="a",
        source="test",
        audio=Audio(uri=file.as_uri()),
    )
    with Decoders(1) as decoders:
        blocks = list(decoders.blocks([event]))
    assert np.array_equal(
        np.concatenate([block.samples_T for block in blocks]),
        np.concatenate([block.samples_T for block in decode(event, file)]),
    )
    assert max(len(block.samples_T) for block in blocks) == BLOCK_SAMPLES
    assert [block.end is not None for block in blocks] == [False] * (len(blocks) - 1) + [True]
