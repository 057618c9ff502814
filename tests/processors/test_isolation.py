import weakref
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


class Tensor:
    """Stands for what a computation holds."""


def test_nothing_that_a_batch_held_is_kept_when_memory_runs_out() -> None:
    held: list[weakref.ref[Tensor]] = []

    def score(batch: Sequence[int]) -> list[int]:
        assert not any(reference() for reference in held)
        if 0 in batch:
            return list(batch)  # the canary
        large = Tensor()
        held.append(weakref.ref(large))
        try:
            return [bytearray(2**60)[number] for number in batch]
        except MemoryError as error:
            raise RuntimeError("the batch failed") from error

    results = isolated(score, [1, 2, 3, 4], canary=lambda: 0, name="hold", part="x")
    assert len(held) == 7
    assert all("out of memory" in str(result) for result in results)


def test_batches_that_do_not_fit_are_reported_and_single_items_are_not() -> None:
    told: list[int] = []

    def score(batch: Sequence[int]) -> Sequence[int]:
        if len(batch) > 2 or 7 in batch:
            raise MemoryError
        return batch

    isolated(
        score,
        range(8),
        canary=lambda: 0,
        name="fit",
        part="x",
        too_large=lambda batch: told.append(len(batch)),
    )
    assert told == [8, 4, 4, 2]


def test_an_error_that_is_not_about_memory_lowers_no_budget() -> None:
    told: list[int] = []
    isolated(
        doubled_unless_negative,
        [1, -1, 2],
        canary=lambda: 1,
        name="double",
        part="x",
        too_large=lambda batch: told.append(len(batch)),
    )
    assert told == []


def test_an_empty_batch_is_not_scored() -> None:
    def score(batch: Sequence[int]) -> Sequence[int]:
        raise ValueError("nothing to score")

    assert isolated(score, [], canary=lambda: 1, name="empty", part="x") == []
