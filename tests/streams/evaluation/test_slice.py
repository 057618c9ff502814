from pathlib import Path

import numpy as np
import pytest

from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import occurrence
from earmark.streams.evaluation.slice import holm, slice_value, slices

SLICES = 10


def flagged(case, seed: int, *, planted: float | None = None) -> list[str]:
    """The slices of 400 rows that are called worse; all but the planted one err at 0.2."""
    random = np.random.default_rng(seed)
    values = [str(i % SLICES) for i in range(400)]
    rates = {"3": planted} if planted is not None else {}
    cases = [case("x", bool(random.random() > rates.get(it, 0.2))) for it in values]
    sources = [str(i) for i in range(400)]
    found = slices(occurrence(cases), {"by": values}, sources, headline="rate")
    return [it.value for it in found if it.worse]


def test_a_planted_bad_slice_is_found_and_no_other(case):
    assert [flagged(case, seed, planted=0.7) for seed in range(3)] == [["3"]] * 3


def test_without_one_a_slice_is_called_worse_as_rarely_as_the_level_says(case, monkeypatch):
    monkeypatch.setattr("earmark.streams.evaluation.slice.PERMUTATIONS", 600)
    runs = [bool(flagged(case, seed)) for seed in range(100)]
    assert np.mean(runs) <= 0.1


def test_rows_of_one_source_do_not_make_a_slice_worse(case, monkeypatch):
    """Sources vary, slices do not: shuffling rows would find differences that are not there."""
    monkeypatch.setattr("earmark.streams.evaluation.slice.PERMUTATIONS", 400)
    random, runs = np.random.default_rng(9), []
    for _ in range(60):
        good_G = random.random(40) < 0.5
        cases = [case("x", bool(good_G[i // 10])) for i in range(400)]
        sources = [str(i // 10) for i in range(400)]
        values = [str(i // 10 % 4) for i in range(400)]
        found = slices(occurrence(cases), {"by": values}, sources, headline="rate")
        runs.append(any(it.worse for it in found))
    assert np.mean(runs) <= 0.12


def test_a_slice_of_few_is_shown_and_not_judged(case):
    cases = [case("x", i > 2) for i in range(50)]
    values = ["few" if i < 3 else "many" for i in range(50)]
    few, _ = slices(occurrence(cases), {"by": values}, ["s"] * 50, headline="rate")
    assert (few.value, few.n, few.loss, few.p, few.worse) == ("few", 3, 1, None, False)


def test_holm_lets_through_what_stands_against_the_number_of_tests():
    assert holm([0.001, 0.04, None, 0.02]) == [True, True, False, True]
    assert holm([0.001, 0.04, 0.03]) == [True, False, False]
    assert holm([0.02] * 3) == [False] * 3


@pytest.mark.parametrize(
    ("by", "value"),
    [
        ("language", "de"),
        ("duration", "2 to 10 s"),
        ("length", "to 60"),
        ("kind", "speech"),
        ("content_type", "CLIP"),
        ("voice", "low"),
        ("unheard", None),
    ],
)
def test_a_row_is_sliced_by_what_it_is_and_by_any_label(by, value):
    row = Row(
        id="a",
        kind="speech",
        labels={"language": "deu", "voice": "low"},
        path=Path("a.wav"),
        text="kurz",
        content_type="CLIP",
    )
    assert slice_value(row, by, 3.0) == value
