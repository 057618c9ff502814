"""Meters that hear mono are told the blocks that models get, however the recording comes."""

from collections.abc import Sequence

import numpy as np
import pytest

from earmark.processors import metering as module
from earmark.processors.block import BLOCK_SAMPLES, Samples
from earmark.processors.fold_meter import FoldMeter
from earmark.processors.metering import Metering, channel_names
from earmark.processors.outcome import Result
from earmark.processors.resample import MonoBlocks
from earmark.processors.signal import AudioFormat, Container, MeterFactory
from tests.processors.signals.piece import FACTS


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.blocks: list[Samples] = []

    def step(self, samples_T: Samples) -> None:
        self.blocks.append(samples_T.copy())


class Counter:
    """A meter of the native rate, which says how many samples of how many channels came."""

    def __init__(self, audio: AudioFormat) -> None:
        self._audio = audio
        self._samples = 0

    def update(self, samples_CT: Samples) -> None:
        assert len(samples_CT) == self._audio.channels
        self._samples += samples_CT.shape[1]

    def finish(self, container: Container) -> Result:
        return Result.ok(samples=self._samples, codec=container.codec)


def listening(listener: Listener) -> MeterFactory:
    return lambda _: FoldMeter(listener, lambda fold: Result.ok(blocks=len(fold.blocks)))


def told(
    samples_CT: Samples, rate: int, size: int, channels: Sequence[str] = ()
) -> tuple[list[Samples], list[Samples]]:
    """What a meter of mono heard, and what was passed on."""
    listener = Listener()
    audio = AudioFormat(sample_rate_hz=rate, channels=len(samples_CT))
    metering = Metering({"heard": listening(listener), "counted": Counter}, audio, channels)
    passed: list[Samples] = []
    for start in range(0, samples_CT.shape[1], size):
        passed += metering.push(samples_CT[:, start : start + size])
    passed += metering.flush()
    assert metering.finish("heard", FACTS).fields["blocks"] == len(listener.blocks)
    counted = metering.finish("counted", FACTS).fields
    assert counted == {"samples": samples_CT.shape[1], "codec": FACTS.codec}
    return listener.blocks, passed


def test_blocks_are_full_but_for_the_last_and_the_same_for_any_size() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 44_100 * 25)).astype(np.float32)
    (few, passed), (many, _) = told(noise, 44_100, 44_100 * 30), told(noise, 44_100, 4_321)
    assert [len(block) for block in few] == [BLOCK_SAMPLES, BLOCK_SAMPLES, BLOCK_SAMPLES // 2]
    for one, other, given in zip(few, many, passed, strict=True):
        assert np.array_equal(one, other)
        assert np.array_equal(one, given)


def test_low_frequency_effects_stay_out() -> None:
    surround = np.zeros((6, 16_000), np.float32)
    surround[3] = 1
    assert channel_names(6)[3] == "LFE"
    assert not told(surround, 16_000, 1_000)[0][0].any()
    assert told(surround, 16_000, 1_000, ("FL", "FR", "FC", "BC", "BL", "BR"))[0][0].any()
    assert "LFE" not in channel_names(2)


def test_a_recording_is_resampled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[MonoBlocks] = []

    def counted(**options: object) -> MonoBlocks:
        made.append(MonoBlocks(**options))  # type: ignore[arg-type]  # as they came
        return made[-1]

    monkeypatch.setattr(module, "MonoBlocks", counted)
    factories = {name: listening(Listener()) for name in ("one", "other", "third")}
    Metering(factories, AudioFormat(sample_rate_hz=44_100, channels=2))
    assert len(made) == 1
