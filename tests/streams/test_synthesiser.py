"""The synthesiser makes music of one seed, by the numbers."""

import numpy as np
import pytest

from earmark.streams.synthesiser import PEAK, RATE_HZ, Stereo, tune


@pytest.fixture(name="music_CT", scope="module")
def music() -> Stereo:
    return tune(seed=1, seconds=6.0)


def test_a_seed_is_a_tune(music_CT: Stereo) -> None:
    assert np.array_equal(music_CT, tune(seed=1, seconds=6.0))
    assert not np.array_equal(music_CT, tune(seed=2, seconds=6.0))


def test_it_is_stereo_of_the_length_asked_for_and_peaks_below_full_scale(music_CT: Stereo) -> None:
    assert music_CT.shape == (2, 6 * RATE_HZ)
    assert music_CT.dtype == np.float32
    assert np.abs(music_CT).max() == pytest.approx(PEAK, abs=1e-6)


def test_it_is_no_silence_no_noise_and_no_mono(music_CT: Stereo) -> None:
    level_dbfs = 20 * np.log10(np.sqrt(np.mean(music_CT**2)))
    assert -20 < level_dbfs < -10
    assert 0.3 < np.corrcoef(music_CT)[0, 1] < 0.98
    power = np.abs(np.fft.rfft(music_CT[0])) ** 2
    flatness = np.exp(np.mean(np.log(power + 1e-9))) / np.mean(power)  # 0.56 for white noise
    assert flatness < 0.1


def test_it_has_a_beat(music_CT: Stereo) -> None:
    frames = music_CT[0, : len(music_CT[0]) // 441 * 441].reshape(-1, 441)  # of 10 ms
    onset = np.maximum(np.diff(np.log(np.mean(frames**2, axis=1) + 1e-6)), 0)
    onset -= onset.mean()
    again = np.correlate(onset, onset, "full")[len(onset) - 1 :] / np.dot(onset, onset)
    assert again[20:70].max() > 0.3  # repeats within 0.2 to 0.7 s
