"""Loudness against the synthetic cases of EBU Tech 3341 and 3342 and a second implementation."""

from math import log10, pi

import numpy as np
import pyloudnorm
import pytest
import soxr
import torch
from torch import Tensor

from earmark.models.loudness import LoudnessFold, k_response, measure

RATE = 48_000
Part = tuple[float, float]  # dBFS, seconds


def tone(*parts: Part, hz: float = 1000, channels: int = 2, rate: int = RATE) -> Tensor:
    """A sine in phase on all channels whose peak steps through the levels, [1, C, T]."""
    gains_T = torch.cat([torch.full((round(s * rate),), 10 ** (db / 20)) for db, s in parts])
    phase_T = 2 * pi * hz * torch.arange(len(gains_T), dtype=torch.float64) / rate
    return (gains_T * phase_T.sin()).float().expand(1, channels, -1)


def noise(seconds: float, *, channels: int = 2, rate: int = RATE, batch: int = 1) -> Tensor:
    """Noise whose level changes every second, [B, C, T]."""
    generator = torch.Generator().manual_seed(3)
    samples_BCT = 0.1 * torch.randn(batch, channels, int(seconds * rate), generator=generator)
    level_T = 1 + 0.9 * torch.sin(torch.arange(samples_BCT.shape[-1]) * 2.6 / rate)
    return samples_BCT * level_T


TECH_3341_INTEGRATED = {
    "1": ([(-23, 20)], -23),
    "2": ([(-33, 20)], -33),
    "3": ([(-36, 10), (-23, 60), (-36, 10)], -23),
    "4": ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
    "5": ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
}


@pytest.mark.parametrize(
    ("parts", "expected"), TECH_3341_INTEGRATED.values(), ids=TECH_3341_INTEGRATED
)
def test_integrated_loudness_meets_tech_3341(parts: list[Part], expected: float) -> None:
    assert measure(tone(*parts), RATE)[0].integrated_lufs == pytest.approx(expected, abs=0.1)


def test_surround_is_weighted_as_in_tech_3341_case_6() -> None:
    levels_C = torch.tensor([-28.0, -28.0, -24.0, -200.0, -30.0, -30.0])
    surround = tone((0, 20), channels=6) * (10 ** (levels_C / 20))[:, None]
    assert measure(surround, RATE)[0].integrated_lufs == pytest.approx(-23, abs=0.1)


def test_low_frequency_effects_count_nothing() -> None:
    surround = tone((-20, 5), channels=6).clone()
    surround[:, 3] *= 100
    quiet = tone((-20, 5), channels=6).clone()
    quiet[:, 3] = 0
    assert measure(surround, RATE)[0].integrated_lufs == measure(quiet, RATE)[0].integrated_lufs


def test_momentary_and_short_term_follow_a_steady_tone() -> None:
    loudness = measure(tone((-23, 10)), RATE)[0]
    assert loudness.momentary_max_lufs == pytest.approx(-23, abs=0.1)
    assert loudness.short_term_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(0, 20, 3))
def test_short_term_finds_three_seconds_wherever_they_begin_as_in_tech_3341_case_10(i: int) -> None:
    loudness = measure(tone((-200, i * 0.15), (-23, 3), (-200, 1)), RATE)[0]
    assert loudness.short_term_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(0, 20, 3))
def test_momentary_finds_400_ms_wherever_they_begin_as_in_tech_3341_case_13(i: int) -> None:
    loudness = measure(tone((-200, i * 0.02), (-23, 0.4), (-200, 1)), RATE)[0]
    assert loudness.momentary_max_lufs == pytest.approx(-23, abs=0.1)


TECH_3341_TRUE_PEAK = {  # frequency as a fraction of the rate, phase in degrees, amplitude, dBTP
    "15": (4, 0, 0.5, -6),
    "16": (4, 45, 0.5, -6),
    "17": (6, 60, 0.5, -6),
    "18": (8, 67.5, 0.5, -6),
    "19": (4, 45, 1.41, 3),
}


@pytest.mark.parametrize(
    ("fraction", "degrees", "amplitude", "expected"),
    TECH_3341_TRUE_PEAK.values(),
    ids=TECH_3341_TRUE_PEAK,
)
def test_true_peak_meets_tech_3341(
    fraction: int, degrees: float, amplitude: float, expected: float
) -> None:
    ramp_T = torch.arange(RATE).div(RATE / 50).clamp(max=1)  # fades in: a step has peaks of its own
    phase_T = 2 * pi * torch.arange(RATE) / fraction + degrees * pi / 180
    samples_T = amplitude * ramp_T * phase_T.sin()
    peak = measure(samples_T.float().expand(1, 2, -1), RATE)[0].true_peak_dbtp
    assert expected - 0.4 <= peak <= expected + 0.2


TECH_3342_RANGE = {
    "1": ([(-20, 20), (-30, 20)], 10),
    "2": ([(-20, 20), (-15, 20)], 5),
    "3": ([(-40, 20), (-20, 20)], 20),
    "4": ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),
}


@pytest.mark.parametrize(("parts", "expected"), TECH_3342_RANGE.values(), ids=TECH_3342_RANGE)
def test_loudness_range_meets_tech_3342(parts: list[Part], expected: float) -> None:
    assert measure(tone(*parts), RATE)[0].loudness_range_lu == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_integrated_loudness_is_that_of_the_recording_at_48_khz_at_any_rate(rate: int) -> None:
    made = min(rate, RATE) * 3 // 4  # nothing in it that resampling would cut off
    samples_TC = noise(8, rate=made)[0].T.numpy().astype(np.float64)
    reference = pyloudnorm.Meter(RATE, filter_class="DeMan")
    expected = reference.integrated_loudness(soxr.resample(samples_TC, made, RATE, "VHQ"))
    given_TC = soxr.resample(samples_TC, made, rate, "VHQ").astype(np.float32)
    found = measure(torch.from_numpy(given_TC.T.copy())[None], rate)[0].integrated_lufs
    assert found == pytest.approx(expected, abs=0.02)


def test_the_filter_is_the_one_that_the_standard_tabulates_for_48_khz() -> None:
    z = torch.exp(2j * pi * torch.arange(2049, dtype=torch.float64) / 4096)
    shelf = (1.53512485958697 - 2.69169618940638 / z + 1.19839281085285 / z**2) / (
        1 - 1.69065929318241 / z + 0.73248077421585 / z**2
    )
    high_pass = (1 - 2 / z + 1 / z**2) / (1 - 1.99004745483398 / z + 0.99007225036621 / z**2)
    assert torch.allclose(k_response(48_000, 4096).cdouble(), shelf * high_pass, atol=1e-6)


def test_a_full_scale_sine_in_one_channel_reads_minus_3_01() -> None:
    one = measure(tone((0, 5), hz=997, channels=1), RATE)[0].integrated_lufs
    assert one == pytest.approx(20 * log10(1 / 2**0.5), abs=0.01)


def test_batches_do_not_change_outcomes() -> None:
    batch = noise(4.3, batch=3) * torch.tensor([0.1, 1.0, 2.0])[:, None, None]
    together = measure(batch, RATE)
    for one, loudness in zip(batch.split(1), together, strict=True):
        alone = measure(one, RATE)[0]
        assert loudness.integrated_lufs == pytest.approx(alone.integrated_lufs, abs=1e-4)
        assert loudness.true_peak_dbtp == pytest.approx(alone.true_peak_dbtp, abs=1e-4)


def test_the_filter_rings_on_over_the_borders_of_seconds() -> None:
    whole = noise(5)
    shifted = torch.nn.functional.pad(whole, (RATE // 2, 0))  # borders fall elsewhere in the sound
    before, after = measure(whole, RATE)[0], measure(shifted, RATE)[0]
    assert after.momentary_max_lufs == pytest.approx(before.momentary_max_lufs, abs=1e-4)
    assert after.true_peak_dbtp == pytest.approx(before.true_peak_dbtp, abs=1e-4)


def test_a_peak_between_two_seconds_is_found() -> None:
    samples = torch.zeros(1, 1, 2 * RATE)
    samples[..., RATE - 1 : RATE + 1] = 0.5  # two equal samples: the wave is higher between them
    assert measure(samples, RATE)[0].true_peak_dbtp > 20 * log10(0.5) + 1


def test_silence_has_no_loudness_and_no_peak() -> None:
    loudness = measure(torch.zeros(1, 2, 5 * RATE), RATE)[0]
    assert (loudness.integrated_lufs, loudness.true_peak_dbtp) == (None, None)
    assert loudness.momentary_max_lufs is None
    assert loudness.loudness_range_lu is None
    assert loudness.gated_share == 1.0


def test_less_than_a_block_has_a_peak_and_no_loudness() -> None:
    loudness = measure(tone((-6, 0.39)), RATE)[0]
    assert (loudness.blocks, loudness.integrated_lufs) == (0, None)
    assert loudness.true_peak_dbtp == pytest.approx(-6, abs=0.2)


def test_nothing_at_all_is_measured_too() -> None:
    assert LoudnessFold(sample_rate_hz=RATE, channels=2).finish()[0].blocks == 0


def test_half_the_time_below_the_gates_is_half_the_blocks() -> None:
    loudness = measure(tone((-20, 10), (-80, 10)), RATE)[0]
    assert loudness.gated_share == pytest.approx(0.5, abs=0.02)
