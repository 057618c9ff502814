"""Rows of like length share a batch: each once, within the limit, with little padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.bucket import Buckets
from earmark.models.recogniser import BUCKETS as OF_CLIPS
from earmark.models.token_batch import BATCH_TOKENS
from earmark.models.token_batch import BUCKETS as OF_TOKENS

lengths = st.lists(st.integers(1, 600), max_size=80)
buckets = st.builds(
    Buckets, first=st.integers(1, 40), step=st.sampled_from([1, 4, 8]), call=st.integers(0, 99)
)


def padding(made: Buckets, lengths_R: np.ndarray, limit: float, *, window: int) -> float:
    """The share of padding where so many rows at a time are there to choose from."""
    used, whole = 0, 0
    for begin in range(0, len(lengths_R), window):
        here = lengths_R[begin : begin + window]
        for rows in made.batches(here, limit):
            used += here[rows].sum()
            whole += len(rows) * here[rows].max()
    return 1 - used / whole


@given(buckets, lengths, st.integers(1, 2_000))
def test_each_row_is_in_one_batch_that_keeps_to_the_limit(
    made: Buckets, lengths: list[int], limit: int
) -> None:
    batches = list(made.batches(lengths, limit))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert all(
        len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= limit for rows in batches
    )


@given(buckets, lengths)
def test_rows_of_one_batch_fall_into_one_bucket_where_calls_are_free(
    made: Buckets, lengths: list[int]
) -> None:
    free = Buckets(first=made.first, step=made.step)
    for rows in free.batches(lengths, 10**9):
        assert len({free.edge_of(lengths[row]) for row in rows}) == 1


@given(buckets, st.integers(1, 10**6))
def test_an_edge_is_hardly_above_the_length(made: Buckets, length: int) -> None:
    edge = made.edge_of(length)
    assert length <= edge
    assert edge <= max(made.first, length * 1.16 + 1 + made.step)


def test_a_lone_short_row_goes_with_the_next_where_a_call_costs_more() -> None:
    assert len(list(Buckets(first=8).batches([8, 20], 999))) == 2
    assert len(list(Buckets(first=8, call=16).batches([8, 20], 999))) == 1


@pytest.mark.parametrize("window", [256, 1_000])
def test_little_of_lognormal_texts_is_padding(window: int) -> None:
    random = np.random.default_rng(3)
    tokens = np.clip(np.exp(random.normal(np.log(33), 1.0, 4_000)), 3, 512).astype(int)
    assert padding(OF_TOKENS["cpu"], tokens, BATCH_TOKENS["cpu"], window=window) < 0.12


def test_little_of_lognormal_speech_is_padding() -> None:
    random = np.random.default_rng(3)
    seconds = np.clip(np.exp(random.normal(np.log(6), 0.8, 2_000)), 1, 30)
    halves = np.ceil(2 * seconds).astype(int) * 8_000
    assert padding(OF_CLIPS, halves, 60 * 16_000, window=30) < 0.12
