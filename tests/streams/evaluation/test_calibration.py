import numpy as np
import pytest

from earmark.streams.evaluation.calibration import (
    calibration,
    calibration_error,
    fitted_temperature,
    tempered,
)
from earmark.streams.evaluation.measure import Confidence


def drawn(count: int, *, temperature: float = 1.0, seed: int = 3) -> Confidence:
    """Probabilities that are right once they are put through the temperature."""
    random = np.random.default_rng(seed)
    p_N = random.random(count)
    true_N = random.random(count) < tempered(p_N, temperature)
    return Confidence(probability_N=p_N, came_true_N=true_N, among_N=np.ones(count, bool))


def names(count: int) -> list[str]:
    return [f"source {i}" for i in range(count)]


def test_a_probability_that_is_right_has_hardly_an_error_and_no_more_than_chance():
    many = drawn(20_000)
    assert calibration_error(many.probability_N, many.came_true_N) < 0.02
    few = calibration(drawn(300), names(300))
    assert few.error < few.if_perfect


def test_the_error_is_the_distance_bin_by_bin():
    p_N = np.array([0.05] * 10 + [0.95] * 10)
    true_N = np.array([True] * 5 + [False] * 5 + [True] * 10)
    assert calibration_error(p_N, true_N) == pytest.approx((0.45 + 0.05) / 2)


def test_an_overconfident_probability_is_told_from_chance_and_mended_on_rows_held_out():
    found = calibration(drawn(3_000, temperature=3.0), names(3_000))
    assert found.error > 2 * found.if_perfect
    published, temperature, isotonic = found.refits
    assert temperature.temperature == pytest.approx(3.0, rel=0.2)
    assert temperature.error < published.error / 2
    assert isotonic.error < published.error / 2
    assert temperature.brier < published.brier


def test_the_temperature_is_found_again():
    given = drawn(50_000, temperature=2.0)
    assert fitted_temperature(given.probability_N, given.came_true_N) == pytest.approx(2, rel=0.05)


def test_refits_are_measured_on_sources_that_they_were_not_fitted_on():
    """Each source has one probability and one truth: only one that saw it could know it."""
    random = np.random.default_rng(5)
    p_G, true_G = random.random(400), random.random(400) < 0.5
    confidence = Confidence(
        probability_N=np.repeat(p_G, 5),
        came_true_N=np.repeat(true_G, 5),
        among_N=np.ones(2_000, bool),
    )
    sources = [f"source {i // 5}" for i in range(2_000)]
    isotonic = calibration(confidence, sources).refits[2]
    assert isotonic.brier > 0.24


def test_too_few_cases_are_not_judged():
    assert calibration(drawn(20), names(20)) is None
    assert calibration(drawn(60), names(60)).refits == ()
