"""Alpha is that of Krippendorff's own examples; estimates weigh answers by their chance."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.processors.review.agreement import Level, alpha, alpha_estimate, share_estimate

PATIENT = settings(deadline=None, max_examples=50)  # a busy machine is no failure
# Krippendorff 2011, section C: four observers, twelve units, some values missing
A = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
B = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
C = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
D = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]


def units(*observers: Sequence[object]) -> list[list[object]]:
    return [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]


@pytest.mark.parametrize(
    ("level", "published"),
    [(Level.NOMINAL, 0.743), (Level.ORDINAL, 0.815), (Level.INTERVAL, 0.849)],
)
def test_the_published_example_with_missing_values(level: Level, published: float) -> None:
    assert alpha(units(A, B, C, D), level) == pytest.approx(published, abs=0.0005)


def test_the_published_binary_example() -> None:
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert alpha(units(meg, owen)) == pytest.approx(0.095, abs=0.0005)


def test_the_published_nominal_example_of_two_observers() -> None:
    ben = "aabbdcccedda"
    gerry = "babbbccceddd"
    assert alpha(units(ben, gerry)) == pytest.approx(0.692, abs=0.0005)


def test_perfect_agreement_is_one_and_no_variation_says_nothing() -> None:
    assert alpha([["a", "a"], ["b", "b"]]) == 1.0
    assert alpha([["a", "a"], ["a", "a"]]) is None
    assert alpha([["a"], ["b"]]) is None
    assert alpha([]) is None


@PATIENT
@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), max_size=8), st.randoms())
def test_the_order_of_units_and_of_annotators_does_not_matter(
    given: list[list[int]], random: np.random.Generator
) -> None:
    turned = [unit[::-1] for unit in given]
    random.shuffle(turned)  # type: ignore[arg-type]
    for level in Level:
        assert alpha(given, level) == pytest.approx(alpha(turned, level))


def test_the_interval_holds_alpha_and_is_the_same_each_time() -> None:
    data = units(A, B, C, D)
    estimate = alpha_estimate(data, Level.NOMINAL)
    assert estimate == alpha_estimate(data, Level.NOMINAL)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 0.743 < estimate.high <= 1.0
    assert estimate.answers == 40


def test_no_answers_give_no_figure() -> None:
    assert alpha_estimate([]).value is None
    assert share_estimate([]).value is None


def test_an_answer_counts_for_as_many_as_its_chance_says() -> None:
    rare, common = [(0.0, 1.0)] * 50, [(1.0, 0.01)] * 50
    estimate = share_estimate([*rare, *common])
    assert estimate.value == pytest.approx(5000 / 5050)
    assert estimate.effective == pytest.approx(51.0, abs=0.1)
    assert share_estimate([(1.0, 0.5), (0.0, 0.5)]).value == 0.5


def test_weighted_shares_are_right_on_average_though_the_draw_prefers_what_is_wrong() -> None:
    random = np.random.default_rng(1)
    is_right = random.random(4_000) < 0.9
    chance = np.where(is_right, 0.05, 0.5)
    drawn = random.random(4_000) < chance
    answers = [
        (float(right), each) for right, each in zip(is_right[drawn], chance[drawn], strict=True)
    ]
    estimate = share_estimate(answers)
    assert np.mean([right for right, _ in answers]) < 0.6
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < is_right.mean() < estimate.high
