"""Sketches tell quantiles within a percent, and add up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.drift.sketch import SMALLEST, Sketch, bucket, merged, value

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(NUMBERS)
def test_a_bucket_tells_its_numbers_within_a_percent(number: float) -> None:
    assert value(bucket(number)) == pytest.approx(number, rel=0.0101, abs=SMALLEST)


@given(st.lists(NUMBERS, max_size=50), st.lists(NUMBERS, max_size=50))
def test_sketches_of_parts_add_up_to_that_of_all(first: list[float], second: list[float]) -> None:
    assert merged([Sketch.of(first), Sketch.of(second)]) == Sketch.of(first + second)


@given(st.lists(NUMBERS, min_size=1, max_size=200), st.sampled_from([0.05, 0.25, 0.5, 0.95, 1.0]))
def test_quantiles_are_within_a_percent(numbers: list[float], share: float) -> None:
    exact = float(np.quantile(np.asarray(numbers, np.float64), share, method="lower"))
    assert Sketch.of(numbers).quantile(share) == pytest.approx(exact, rel=0.0101, abs=SMALLEST)


def test_what_is_not_finite_is_not_counted() -> None:
    assert Sketch.of([1.0, math.nan, math.inf]).count == 1


def test_larger_numbers_lie_in_higher_buckets() -> None:
    rising = [-1e6, -1.0, -1e-8, 0.0, 1e-8, 0.5, 1.0, 1e6]
    assert sorted(rising, key=bucket) == rising
