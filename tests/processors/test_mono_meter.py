"""A meter that hears in mono gets the same blocks however the recording comes."""

import numpy as np

from earmark.processors.block import BLOCK_SAMPLES, Samples
from earmark.processors.mono_meter import MonoMeter, channel_names
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat
from tests.processors.signals.piece import FACTS


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.blocks: list[Samples] = []

    def step(self, samples_T: Samples) -> None:
        self.blocks.append(samples_T.copy())


def told(samples_CT: Samples, rate: int, size: int) -> list[Samples]:
    listener = Listener()
    audio = AudioFormat(sample_rate_hz=rate, channels=len(samples_CT))
    meter = MonoMeter(audio, listener, lambda fold: Result.ok(blocks=len(fold.blocks)))
    for start in range(0, samples_CT.shape[1], size):
        meter.update(samples_CT[:, start : start + size])
    assert meter.finish(FACTS).fields["blocks"] == len(listener.blocks)
    return listener.blocks


def test_blocks_are_full_but_for_the_last_and_the_same_for_any_size() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 44_100 * 25)).astype(np.float32)
    few, many = told(noise, 44_100, 44_100 * 30), told(noise, 44_100, 4_321)
    assert [len(block) for block in few] == [BLOCK_SAMPLES, BLOCK_SAMPLES, BLOCK_SAMPLES // 2]
    for one, other in zip(few, many, strict=True):
        assert np.array_equal(one, other)


def test_low_frequency_effects_stay_out() -> None:
    surround = np.zeros((6, 16_000), np.float32)
    surround[3] = 1
    assert channel_names(6)[3] == "LFE"
    assert not told(surround, 16_000, 1_000)[0].any()
    assert "LFE" not in channel_names(2)
