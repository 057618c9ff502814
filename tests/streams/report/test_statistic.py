"""The statistics, against what is known of them."""

import math

import numpy as np
import pytest

from earmark.streams.report.statistic import (
    GROUPS,
    Share,
    centred_histogram,
    histograms,
    mcnemar,
    mean_interval,
    standardized_shift,
    wilson,
)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (8, 10, 0.4902, 0.9433),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_a_share_has_wilsons_interval(count: int, of: int, low: float, high: float) -> None:
    # the last: Newcombe 1998, table I
    found = wilson(count, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_nothing_has_no_value() -> None:
    assert (Share.counted(0, 0).value, Share.counted(0, 0).interval) == (None, None)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 2 / 32), (1, 9, 22 / 1024), (9, 1, 22 / 1024)],
)
def test_flips_in_both_directions_are_compared_exactly(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("gained", "lost"), [(480, 570), (3, 900), (200_000, 201_000)])
def test_many_flips_are_compared_exactly_too(gained: int, lost: int) -> None:
    few, flips = min(gained, lost), gained + lost
    if flips > 10_000:  # the normal approximation with continuity correction
        z = (abs(gained - lost) - 1) / math.sqrt(flips)
        assert mcnemar(gained, lost) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    else:
        tail = sum(math.comb(flips, k) for k in range(few + 1))
        assert mcnemar(gained, lost) == pytest.approx(2 * tail / 2**flips, rel=1e-9)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        found = mean_interval(random.gamma(4.0, size=60), name=str(trial))
        assert found is not None
        covered += found.low <= 4.0 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_the_interval_of_many_values_is_that_of_drawing_each() -> None:
    values = np.random.default_rng(2).lognormal(size=20 * GROUPS + 7)
    found = mean_interval(values, name="x")
    assert found is not None
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=half / 8
    )


def test_an_interval_is_the_same_for_the_same_values_and_name() -> None:
    values = np.arange(30.0)
    assert mean_interval(values, name="a") == mean_interval(values, name="a")
    assert mean_interval(values, name="a") != mean_interval(values, name="b")
    assert mean_interval(values[:1], name="a") is None


def test_a_shift_is_in_standard_deviations() -> None:
    before = np.array([-1.0, 1.0])
    assert standardized_shift(before, before + 2) == 2
    assert standardized_shift(before, 3 * before) == 0
    assert standardized_shift(np.full(9, 0.1), np.full(9, 0.3)) is None
    rounded = np.float32(0.94) + np.tile([0, 6e-8], 9)  # one number, as networks round it
    assert standardized_shift(rounded, rounded + 0.003) is None


def test_histograms_of_two_sides_have_the_same_edges_and_all_values() -> None:
    one, other = histograms(np.array([-3.5, 0.25]), np.array([9.0]))
    assert one.edges == other.edges
    assert (sum(one.counts), sum(other.counts)) == (2, 1)


def test_whole_numbers_have_whole_bins_and_probabilities_go_from_0_to_1() -> None:
    (counts,) = histograms(np.array([0.0, 2.0, 2.0]))
    assert (counts.edges, counts.counts) == ((-0.5, 0.5, 1.5, 2.5), (1, 0, 2))
    (probabilities,) = histograms(np.array([0.2, 0.7]))
    assert (probabilities.edges[0], probabilities.edges[-1]) == (0, 1)
    (wide,) = histograms(np.array([0.0, 86_400_000.0]))
    assert len(wide.counts) <= 24
    assert sum(wide.counts) == 2


def test_one_value_alone_can_be_shown() -> None:
    (found,) = histograms(np.array([-16.1, -16.1]))
    assert sum(found.counts) == 2
    assert list(found.edges) == sorted(set(found.edges))


def test_differences_lie_around_zero_with_a_bin_for_none() -> None:
    found = centred_histogram(np.array([0.0, 0.0, -0.5, 0.25]))
    assert found is not None
    assert found.edges[0] == -found.edges[-1]
    assert len(found.counts) % 2 == 1
    assert found.counts[len(found.counts) // 2] == 2
    assert sum(found.counts) == 4
    assert centred_histogram(np.zeros(3)) is None


def test_whole_differences_have_whole_bins() -> None:
    found = centred_histogram(np.array([0.0, 1.0, 1.0, -2.0]))
    assert found is not None
    assert (found.edges, found.counts) == ((-2.5, -1.5, -0.5, 0.5, 1.5, 2.5), (1, 0, 1, 2, 0))
    wide = centred_histogram(np.array([-100_000.0, 3.0]))
    assert wide is not None
    assert len(wide.counts) <= 24
    assert sum(wide.counts) == 2
