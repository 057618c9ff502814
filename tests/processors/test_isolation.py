from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.error import ContentError, ModelError, RejectionClass
from earmark.processors.isolation import isolated


def doubled_unless_negative(batch: Sequence[int]) -> list[int]:
    if any(number < 0 for number in batch):
        raise ValueError("negative")
    return [2 * number for number in batch]


@given(st.lists(st.integers(-3, 20), max_size=40))
def test_only_the_item_that_fails_alone_is_an_error(batch: list[int]) -> None:
    results = isolated(doubled_unless_negative, batch, canary=lambda: 1, name="double", part="x")
    for number, result in zip(batch, results, strict=True):
        if number < 0:
            assert isinstance(result, ContentError)
            assert result.rejection_class == RejectionClass.SCORER_FAILED
        else:
            assert result == 2 * number


def test_a_scorer_that_fails_on_the_canary_is_a_model_error() -> None:
    with pytest.raises(ModelError, match="known good"):
        isolated(doubled_unless_negative, [-1], canary=lambda: -1, name="double", part="x")


def test_a_scorer_that_forgets_an_item_is_a_model_error() -> None:
    with pytest.raises(ModelError, match="1 results for a batch of 2"):
        isolated(lambda batch: batch[:1], [1, 2], canary=lambda: 1, name="half", part="x")
