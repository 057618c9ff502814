"""Noise and band are read off a waveform whose noise and band are known."""

import numpy as np
import pytest
import soxr

from earmark.processors.acoustics import highest_hz, snr_db
from earmark.processors.block import Samples

RANDOM = np.random.default_rng(7)


def noise(seconds: float, gain: float = 0.1) -> Samples:
    return (gain * RANDOM.normal(size=round(16_000 * seconds))).astype(np.float32)


def syllables(seconds: float) -> Samples:
    """Bursts of noise of 200 ms with pauses of 50 ms."""
    loud = np.arange(round(16_000 * seconds)) % 4_000 < 3_200
    return np.where(loud, noise(seconds), 0).astype(np.float32)


@pytest.mark.parametrize("snr", [5, 10, 20])
def test_added_noise_is_found(snr: int) -> None:
    speech_T = syllables(5)
    level = float(np.sqrt(np.square(speech_T).mean()))
    found = snr_db(speech_T + noise(5, level * 10 ** (-snr / 20)))
    assert found == pytest.approx(snr, abs=1)


def test_silence_put_between_spans_is_no_pause() -> None:
    speech_T = syllables(3) + noise(3, 0.01)
    packed_T = np.concatenate([speech_T, np.zeros(32_000, np.float32), speech_T])
    assert snr_db(packed_T) == pytest.approx(snr_db(speech_T), abs=0.5)


@pytest.mark.parametrize(("rate", "highest"), [(8_000, 4_000), (11_025, 5_512), (16_000, 8_000)])
def test_the_band_ends_where_that_of_the_source_did(rate: int, highest: int) -> None:
    narrow_T = soxr.resample(noise(2), 16_000, rate)
    found = highest_hz(soxr.resample(narrow_T, rate, 16_000))
    assert found == pytest.approx(highest, rel=0.06)


def test_faint_highs_are_highs() -> None:
    narrow_T = soxr.resample(soxr.resample(noise(2), 16_000, 8_000), 8_000, 16_000)
    assert highest_hz(narrow_T + noise(2, 0.002)) == pytest.approx(8_000, rel=0.06)


def test_of_too_little_nothing_is_said() -> None:
    assert snr_db(noise(0.03)) is None
    assert highest_hz(noise(0.03)) is None
    assert highest_hz(np.zeros(16_000, np.float32)) is None
