import numpy as np
import pytest

from earmark.streams.evaluation.bootstrap import differences, grouping, intervals, sign_flip
from earmark.streams.evaluation.measure import Measured, occurrence
from earmark.streams.evaluation.metric import mean


def measured(loss_N: np.ndarray) -> Measured:
    ones_N = np.ones(len(loss_N))
    return Measured(
        metrics=lambda weight_N: {"mean": mean(loss_N, ones_N, weight_N)},
        loss="loss",
        loss_N=loss_N,
        size_N=ones_N,
        order_N=ones_N,
        lines=[("", "")] * len(loss_N),
    )


def covered(groups: int, size: int, *, names_sources: bool) -> float:
    """How often the interval holds the true mean, which is 0, where groups vary as rows do."""
    random, held = np.random.default_rng(7), 0
    sources = [f"source {i // size}" if names_sources else "" for i in range(groups * size)]
    for trial in range(150):
        value_N = np.repeat(random.normal(size=groups), size) + random.normal(size=groups * size)
        found = intervals(measured(value_N), grouping(sources), name=str(trial), resamples=250)[
            "mean"
        ]
        held += found.low <= 0 <= found.high
    return held / 150


def test_intervals_of_grouped_rows_hold_the_truth_as_often_as_they_say():
    assert 0.88 <= covered(30, 6, names_sources=True) <= 0.99


def test_drawing_rows_where_they_come_in_groups_would_promise_too_much():
    assert covered(30, 6, names_sources=False) < 0.85


def test_few_sources_or_one_that_holds_most_are_not_drawn():
    assert grouping([str(i % 3) for i in range(90)]).drawn == "rows"
    assert grouping(["big"] * 60 + [str(i) for i in range(40)]).drawn == "rows"
    assert grouping([str(i % 20) for i in range(90)]).drawn == "sources"


def test_none_of_37_is_an_interval_and_not_a_certainty(case):
    found = intervals(
        occurrence([case("x", False) for _ in range(37)]), grouping([""] * 37), name="x"
    )["rate"]
    assert found.low == 0
    assert found.high == pytest.approx(0.094, abs=0.002)


def test_a_figure_that_no_resample_moves_has_no_interval_unless_it_is_a_share():
    assert intervals(measured(np.full(9, 0.5)), grouping([""] * 9), name="x")["mean"] is None


def test_the_same_name_gives_the_same_interval():
    one = measured(np.random.default_rng(1).normal(size=50))
    groups = grouping([""] * 50)
    assert intervals(one, groups, name="a") == intervals(one, groups, name="a")
    assert intervals(one, groups, name="a") != intervals(one, groups, name="b")


def test_two_models_that_differ_by_chance_are_told_apart_as_often_as_the_level_says():
    random, groups = np.random.default_rng(11), grouping([""] * 80)
    ps = [
        sign_flip(random.normal(size=80), groups, name=str(i), permutations=400) for i in range(200)
    ]
    assert 0.01 <= float(np.mean(np.array(ps) < 0.05)) <= 0.1


def test_a_small_steady_difference_is_found_when_paired():
    random = np.random.default_rng(13)
    hard_N = random.normal(size=80) * 10
    a, b = measured(hard_N + random.normal(size=80)), measured(hard_N + 1)
    groups = grouping([""] * 80)
    assert sign_flip(a.loss_N - b.loss_N, groups, name="x") < 0.001
    found = differences(a, b, groups, name="x")["mean"]
    assert found.interval.high < 0


def test_few_differences_are_judged_exactly():
    assert sign_flip(np.array([1.0, 1.0, 1.0]), grouping([""] * 3), name="x") == 0.25
    assert sign_flip(np.zeros(5), grouping([""] * 5), name="x") == 1
