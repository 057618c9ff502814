"""The models by themselves: in batches of the size asked for, and measured."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from earmark.processors.clip import Clip, Piece
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.model_batch import Clips, Given
from earmark.streams.bench.model_rows import modelled, music_on_gpu
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Unmeasured


class Listener:
    """Notes how many clips come together, and what they are."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.heard: set[bytes] = set()

    def score(self, clips: Sequence[Clip]) -> Sequence[Any]:
        self.batches.append(len(clips))
        self.heard |= {clip.samples_T.tobytes() for clip in clips}
        return [0.0] * len(clips)


def given(listener: Listener, count: int) -> Given:
    samples_T = np.linspace(0.1, 1, 16_000, dtype=np.float32)
    clip = Clip(samples_T=samples_T, pieces=(Piece(at=0, source=0, length=16_000),))
    return Clips(
        name="x", unit="x", scorer=listener, items=[clip] * count, budget=4, budgets=(2, 4)
    )


@pytest.mark.parametrize(("budget", "batches"), [(0, [1] * 5), (2, [2, 2, 1]), (100, [5])])
def test_batches_hold_no_more_than_the_budget_and_one_item_at_least(
    budget: float, batches: list[int]
) -> None:
    listener = Listener()
    given(listener, 5).score(budget)
    assert listener.batches == batches


def test_what_was_heard_before_is_not_heard_again() -> None:
    listener = Listener()
    clips = given(listener, 1)
    for _ in range(3):
        clips.score(4)
    assert len(listener.heard) == 3


def test_a_part_is_measured_by_its_own_amount() -> None:
    clips = given(Listener(), 8)
    assert clips.amount == 8
    assert clips.part(4).amount == 2


@pytest.mark.weights
@pytest.mark.parametrize("name", ["text.quality", "audio.speech", "audio.scene"])
def test_the_row_of_a_model_is_measured_with_its_series(name: str, plan: Plan) -> None:
    row = modelled(replace(plan, mixes=(Mix.VOICE,)), name=name)
    assert row.name == f"model[{name}]"
    assert row.value > 0
    assert row.baseline > 0
    assert row.details["value_max"] >= row.value >= row.details["value_min"] > 0
    (series,) = row.series
    assert len(series.lines["ours"]) >= 4


def test_music_on_a_gpu_is_not_measured_without_one(plan: Plan) -> None:
    if plan.device.kind == "cuda":
        pytest.skip("this machine has a GPU: the row is measured")
    with pytest.raises(Unmeasured, match="GPU"):
        music_on_gpu(plan)
