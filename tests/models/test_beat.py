"""Beats of curves that have them where they are put."""

import numpy as np

from earmark.models.beat import beats


def test_beats_are_where_the_curve_rises() -> None:
    placed = np.arange(40, 2_950, 50)
    curve = np.zeros(3_000, np.float32)
    curve[placed] = 1
    assert beats(curve, 120).tolist() == placed.tolist()


def test_a_missing_accent_is_bridged_and_a_stray_one_passed_over() -> None:
    placed = np.arange(40, 2_950, 50)
    curve = np.zeros(3_000, np.float32)
    curve[placed] = 1
    curve[placed[10]] = 0
    curve[placed[20] + 25] = 1
    assert np.abs(beats(curve, 120) - placed).max() <= 1


def test_beats_follow_a_player_who_drifts() -> None:
    intervals = np.linspace(46, 54, 50)
    placed = np.round(40 + np.cumsum(intervals)).astype(int)
    curve = np.zeros(placed[-1] + 30, np.float32)
    curve[placed] = 1
    assert np.abs(beats(curve, 120) - placed).max() <= 1


def test_silence_before_and_after_has_no_beats() -> None:
    placed = np.arange(1_000, 2_001, 50)
    curve = np.zeros(3_000, np.float32)
    curve[placed] = 1
    found = beats(curve, 120)
    assert abs(found[0] - 1_000) <= 50
    assert abs(found[-1] - 2_000) <= 50


def test_a_flat_curve_has_none() -> None:
    assert len(beats(np.zeros(3_000, np.float32), 120)) == 0
    assert len(beats(np.zeros(0, np.float32), 120)) == 0
