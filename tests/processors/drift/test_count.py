"""Counts of windows add up to those of the whole, and survive their record."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.drift.count import Counter, FieldCount, added, field_count_of, fields_of
from earmark.processors.profile import ProfileSignal

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


def signal(number: float, **changes: Any) -> ProfileSignal:
    fields: dict[str, Any] = {
        "signal": "audio.loudness",
        "outcome": "OK",
        "signal_id": "1",
        "input_digest": "2",
        "revision": 1,
        "event_time": 1,
        "model": "bs1770 5",
        "numbers": {"integrated_lufs": number},
    }
    return ProfileSignal(**(fields | changes))


def counted(numbers: list[float]) -> FieldCount:
    counter = Counter()
    for number in numbers:
        counter.add(signal(number))
    return counter.counts()["integrated_lufs"]


@given(NUMBERS, NUMBERS)
def test_windows_add_up(first: list[float], second: list[float]) -> None:
    both, whole = added([counted(first), counted(second)]), counted(first + second)
    assert both.count == whole.count
    assert both.sketch == whole.sketch
    assert both.mean == pytest.approx(np.mean(first + second), abs=1e-6)
    assert both.deviation == pytest.approx(np.std(first + second, ddof=1), abs=1e-6)


def test_outcomes_reasons_labels_and_words_are_counted() -> None:
    said = signal(
        0.5, reason="QUIET", outcome="ABSTAINED", labels=("hate",), words={"voice": "vocal"}
    )
    assert dict(fields_of(said)) == {
        "outcome.ABSTAINED": None,
        "reason.QUIET": None,
        "label.hate": None,
        "word.voice.vocal": None,
        "integrated_lufs": 0.5,
    }


@given(NUMBERS)
def test_a_record_of_a_window_is_read_as_it_was_counted(numbers: list[float]) -> None:
    meant = counted(numbers)
    record = {
        "count": meant.count,
        "mean": meant.mean,
        "deviation": meant.deviation if len(numbers) > 1 else None,
        "histogram": [{"bucket": b, "count": c} for b, c in meant.sketch.counts.items()],
    }
    read = field_count_of(record)
    assert (read.count, read.sketch) == (meant.count, meant.sketch)
    assert read.squares == pytest.approx(meant.squares, rel=1e-9)
