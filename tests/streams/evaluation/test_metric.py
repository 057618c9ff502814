import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    roc_auc_score,
)

from earmark.streams.evaluation.metric import (
    area_under_curve,
    average_precision,
    curve,
    f1,
    macro_f1,
    ranks,
)

CASES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=40
)


def columns(cases: list[tuple[bool, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth_N, score_N, weight_N = (np.array(column) for column in zip(*cases, strict=True))
    return truth_N.astype(bool), score_N / 6, weight_N.astype(float)


@given(CASES)
def test_area_and_average_precision_are_those_of_scikit_learn_with_any_weights_and_ties(cases):
    truth_N, score_N, weight_N = columns(cases)
    area = area_under_curve(truth_N, ranks(score_N), weight_N)
    precision = average_precision(truth_N, ranks(score_N), weight_N)
    positive, negative = (weight_N * truth_N).sum(), (weight_N * ~truth_N).sum()
    if positive and negative:
        wanted = roc_auc_score(truth_N, score_N, sample_weight=weight_N)
        assert area == pytest.approx(wanted)
    else:
        assert math.isnan(area)
    if positive:
        wanted = average_precision_score(truth_N, score_N, sample_weight=weight_N)
        assert precision == pytest.approx(wanted)


@given(CASES)
def test_the_area_under_the_curve_is_the_area_under_its_points(cases):
    truth_N, score_N, weight_N = columns(cases)
    points = curve(truth_N, ranks(score_N), weight_N)
    area = area_under_curve(truth_N, ranks(score_N), weight_N)
    if math.isnan(area):
        assert points == ()
    else:
        assert (points[0], points[-1]) == ((0, 0), (pytest.approx(1), pytest.approx(1)))
        assert np.trapezoid(*reversed(np.array(points).T)) == pytest.approx(area)


def test_a_curve_of_very_many_scores_has_few_points_and_nearly_its_area():
    random = np.random.default_rng(5)
    truth_N, one_N = random.random(5_000) < 0.3, np.ones(5_000)
    rank_N = ranks(random.random(5_000) + 0.4 * truth_N)
    points = curve(truth_N, rank_N, one_N)
    assert 50 < len(points) <= 101
    area = area_under_curve(truth_N, rank_N, one_N)
    assert np.trapezoid(*reversed(np.array(points).T)) == pytest.approx(area, abs=0.005)


def test_a_case_of_weight_two_counts_as_two_cases():
    truth_N, score_N = np.array([True, False, True, False]), np.array([0.9, 0.4, 0.3, 0.2])
    twice = np.array([0, 0, 1, 2, 3])
    assert area_under_curve(
        truth_N, ranks(score_N), np.array([2.0, 1.0, 1.0, 1.0])
    ) == area_under_curve(truth_N[twice], ranks(score_N[twice]), np.ones(5))


def test_macro_f1_is_that_of_scikit_learn_over_the_classes_of_the_truth():
    random = np.random.default_rng(1)
    truth_N, said_N = random.integers(0, 4, 200), random.integers(0, 5, 200)
    wanted = f1_score(truth_N, said_N, average="macro", labels=range(4))
    assert macro_f1(truth_N, said_N, 5, np.ones(200)) == pytest.approx(wanted)
    assert balanced_accuracy_score(truth_N, truth_N) == 1


def test_nothing_found_is_an_f1_of_zero_and_nothing_to_find_is_none():
    assert f1(math.nan, 0.0) == 0
    assert math.isnan(f1(0.5, math.nan))
