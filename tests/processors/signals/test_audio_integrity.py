"""What `audio.integrity` says of samples whose faults are known."""

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.block import Samples
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import AudioFormat, Container
from earmark.processors.signals.audio_integrity import audio_integrity

RATE = 8_000


def container(samples_CT: Samples) -> Container:
    """The facts that a decoder would give with these samples."""
    return Container(
        container="wav",
        codec="pcm_s16le",
        media_type="audio/vnd.wave",
        channels=len(samples_CT),
        sample_rate_hz=RATE,
        bit_rate_bps=128_000,
        declared_duration_ms=None,
        decoded_duration_ms=samples_CT.shape[1] * 1000 // RATE,
        decode_errors=0,
        truncated=False,
    )


def measured(samples_CT: Samples, cuts: tuple[int, ...] = (), rate: int = RATE) -> Result:
    """The reading for the samples, given in pieces that end at `cuts`."""
    samples_CT = samples_CT.astype(np.float32)
    meter = audio_integrity.make(AudioFormat(sample_rate_hz=rate, channels=len(samples_CT)))
    for piece_CT in np.split(samples_CT, sorted(cuts), axis=1):
        meter.update(piece_CT)
    result: Result = meter.finish(container(samples_CT))
    return result


def sine(amplitude: float, *, hz: float = 200, seconds: float = 2, channels: int = 1) -> Samples:
    """A sine in 16-bit steps, [C, T]."""
    wave_T = amplitude * np.sin(2 * pi * hz * np.arange(int(seconds * RATE)) / RATE + 0.3)
    return np.tile(np.round(wave_T * 32768) / 32768, (channels, 1)).astype(np.float32)


def clipped(samples_CT: Samples, level: float = 1.0) -> Samples:
    """The samples cut off at the level."""
    return np.clip(samples_CT, -level, level * 32767 / 32768)


def test_the_facts_of_the_container_are_passed_on() -> None:
    fields = measured(sine(0.5)).fields
    assert (fields["container"], fields["codec"], fields["bit_rate_bps"]) == (
        "wav",
        "pcm_s16le",
        128_000,
    )
    assert (fields["decoded_duration_ms"], fields["truncated"]) == (2000, False)


@pytest.mark.parametrize("amplitude", [0.01, 0.5, 0.999])
@pytest.mark.parametrize("hz", [20, 50, 1000])
def test_a_clean_sine_is_not_clipped(amplitude: float, hz: float) -> None:
    assert measured(sine(amplitude, hz=hz)).fields["clipped_share"] == 0


def test_a_sine_beyond_full_scale_is_clipped_where_it_was_cut() -> None:
    samples = clipped(sine(2.0))
    expected = np.mean(np.abs(samples) >= 32767 / 32768)
    assert measured(samples).fields["clipped_share"] == pytest.approx(expected, abs=0.001)


def test_overshoot_of_a_lossy_codec_is_clipping_too() -> None:
    wobble = 1 + 0.02 * np.random.default_rng(1).random((1, 2 * RATE))
    samples = np.where(np.abs(sine(2.0)) > 1, np.sign(sine(2.0)) * wobble, sine(2.0))
    expected = np.mean(np.abs(samples) >= 1)
    assert measured(samples).fields["clipped_share"] == pytest.approx(expected, abs=0.001)


def test_clipping_is_found_after_the_level_was_turned_down() -> None:
    loud = measured(clipped(sine(2.0))).fields["clipped_share"]
    assert measured(0.3 * clipped(sine(2.0))).fields["clipped_share"] == pytest.approx(
        loud, abs=0.001
    )


def test_two_samples_at_full_scale_are_no_clipping() -> None:
    samples = sine(0.5)
    samples[0, 100:102] = samples[0, 900:902] = 1.0
    assert measured(samples).fields["clipped_share"] == 0


def test_clipping_in_one_channel_is_half_of_two() -> None:
    both = np.concatenate((clipped(sine(2.0)), sine(0.5)))
    one = measured(clipped(sine(2.0))).fields["clipped_share"]
    assert measured(both).fields["clipped_share"] == pytest.approx(one / 2)


def test_a_higher_peak_later_takes_back_the_plateau() -> None:
    samples = np.concatenate((clipped(sine(0.6), 0.3), sine(0.9)), axis=1)
    assert measured(samples).fields["clipped_share"] == 0


@given(st.lists(st.integers(0, 5 * RATE), max_size=12))
def test_block_size_does_not_change_outcomes(cuts: list[int]) -> None:
    noise = 0.05 * np.random.default_rng(3).standard_normal((2, 2 * RATE + 77))
    loud = clipped(sine(3.0, seconds=2.5, channels=2))
    samples = np.concatenate((noise, loud, np.zeros((2, 3000))), axis=1)
    assert measured(samples, tuple(cuts)) == measured(samples)


def test_silence_is_counted_by_windows() -> None:
    samples = np.concatenate((sine(0.5, seconds=3), np.zeros((1, RATE))), axis=1)
    assert measured(samples).fields["silence_share"] == 0.25
    assert measured(sine(0.0013)).fields["silence_share"] == 1.0  # RMS of -60.7 dBFS
    assert measured(sine(0.0016)).fields["silence_share"] == 0.0


def test_digital_silence_has_no_peak_and_no_fault() -> None:
    fields = measured(np.zeros((2, RATE))).fields
    assert fields["peak_dbfs"] is None
    assert fields["stereo_correlation"] is None
    assert (fields["silence_share"], fields["clipped_share"], fields["dc_offset"]) == (1, 0, 0)


def test_no_samples_give_the_facts_alone() -> None:
    result = measured(np.zeros((2, 0)))
    assert result.outcome == OutcomeKind.OK
    assert result.fields["clipped_share"] is None
    assert result.fields["dc_offset"] is None


def test_dc_offset_is_that_of_the_worst_channel() -> None:
    samples = np.concatenate((sine(0.1) + 0.01, sine(0.1) - 0.05))
    assert measured(samples).fields["dc_offset"] == pytest.approx(-0.05, abs=1e-4)


def test_peak_is_the_largest_sample_of_either_sign() -> None:
    samples = sine(0.25)
    samples[0, 500] = -0.5
    assert measured(samples).fields["peak_dbfs"] == pytest.approx(-6.02, abs=0.01)


def test_correlation_tells_mono_from_wide_from_antiphase() -> None:
    left, right = np.random.default_rng(4).uniform(-0.5, 0.5, (2, 1, 2 * RATE))
    pairs = [(left, left), (left, right), (left, -left), (left, 0 * left)]
    values = [measured(np.concatenate(pair)).fields["stereo_correlation"] for pair in pairs]
    assert values == [pytest.approx(1), pytest.approx(0, abs=0.05), pytest.approx(-1), None]
    assert measured(left).fields["stereo_correlation"] is None


def test_rates_that_no_window_divides_are_measured_whole() -> None:
    samples = np.concatenate((sine(0.5, seconds=1), np.zeros((1, RATE))), axis=1)
    share = measured(samples, rate=11_025).fields["silence_share"]
    assert share == pytest.approx(0.5, abs=0.08)
