"""Rows about batches: little of them is padding, whatever the policies beside ours make of it."""

from collections.abc import Callable

import pytest

from earmark.streams.bench.alone_rows import one_text_at_a_time
from earmark.streams.bench.batching_rows import bucketed_texts, padding_speech, padding_texts
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row


@pytest.mark.parametrize("measure", [padding_texts, padding_speech])
def test_buckets_hold_little_padding_and_less_than_sorted_rows(
    plan: Plan, measure: Callable[[Plan], Row]
) -> None:
    row = measure(plan)
    assert row.met
    assert row.value < row.details["sorted_share"] < row.baseline


def test_a_network_reads_texts_in_buckets_and_in_order_of_arrival(plan: Plan) -> None:
    row = bucketed_texts(plan)
    assert row.value > 0
    assert row.details["baseline_batches"] == 1
    assert row.details["batches"] > 1


@pytest.mark.weights
def test_events_with_texts_are_measured_together_and_one_at_a_time(plan: Plan) -> None:
    row = one_text_at_a_time(plan)
    assert row.details["events"] == 128
    (series,) = row.series
    assert [size for size, _ in series.lines["one run"]] == [1, 4, 16, 64]
