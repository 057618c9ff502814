"""Distances are nought for equal samples, are found where there is one, and know chance."""

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from earmark.processors.drift.distance import (
    false_discoveries,
    kolmogorov_smirnov,
    mean_shift,
    numbers_stability,
    stability,
)
from earmark.processors.drift.sketch import Sketch

RANDOM = np.random.default_rng(7)
BEFORE = RANDOM.beta(2, 5, 4_000)
SAME = RANDOM.beta(2, 5, 3_000)
MOVED = RANDOM.beta(3, 4, 3_000)


def test_samples_of_one_distribution_are_near_and_not_surprising() -> None:
    for distance in (numbers_stability, kolmogorov_smirnov):
        found = distance(Sketch.of(BEFORE), Sketch.of(SAME))
        assert found.value < 0.04
        assert found.p_value is not None
        assert found.p_value > 0.01


def test_a_sample_that_moved_is_far_and_surprising() -> None:
    for distance in (numbers_stability, kolmogorov_smirnov):
        found = distance(Sketch.of(BEFORE), Sketch.of(MOVED))
        assert found.low > 0.1
        assert found.low <= found.value <= found.high
        assert found.p_value is not None
        assert found.p_value < 1e-6


def test_the_index_of_a_textbook_pair_is_the_textbooks() -> None:
    # shares 0.5/0.5 against 0.6/0.4: 0.1 ln 1.2 + 0.1 ln 1.25
    many = 10_000_000
    found = stability([many // 2, many // 2], [many * 6 // 10, many * 4 // 10])
    assert found.value == pytest.approx(0.1 * math.log(1.2) + 0.1 * math.log(1.25), abs=1e-5)


def test_the_two_sample_distance_is_scipys_but_for_the_buckets() -> None:
    found = kolmogorov_smirnov(Sketch.of(BEFORE), Sketch.of(MOVED))
    assert found.value == pytest.approx(ks_2samp(BEFORE, MOVED).statistic, abs=0.01)


def test_half_of_the_p_values_of_equal_samples_are_below_half() -> None:
    p_values = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        sides = random.multinomial(2_000, [0.1] * 10, 2)
        p_values.append(stability(sides[0].tolist(), sides[1].tolist()).p_value or 0.0)
    assert 0.38 < np.mean(np.array(p_values) < 0.5) < 0.62


def test_vectors_that_moved_together_are_found() -> None:
    vectors = RANDOM.normal(size=(300, 16)).astype(np.float32)
    others = RANDOM.normal(size=(200, 16)).astype(np.float32)
    assert (mean_shift(vectors, others).p_value or 0) > 0.01
    moved = mean_shift(vectors, others + np.float32(0.3))
    assert moved.value == pytest.approx(0.3, abs=0.1)
    assert (moved.p_value or 1) < 0.01


def test_an_empty_side_has_no_distance() -> None:
    assert math.isnan(numbers_stability(Sketch.of([]), Sketch.of(SAME)).value)
    assert math.isnan(kolmogorov_smirnov(Sketch.of(SAME), Sketch.of([])).value)


def test_corrected_p_values_are_those_of_benjamini_and_hochberg() -> None:
    assert false_discoveries([0.01, 0.04, 0.03, 0.5]) == pytest.approx(
        [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    )
