"""What a progress bar says."""

import pytest

from earmark.streams.progress import RATE_S, Rate


def test_a_rate_is_that_of_late() -> None:
    now = 0.0
    rate = Rate(clock=lambda: now)
    assert rate.note(1_000_000) == 0  # what an earlier run has done has no part in it
    for second in range(1, 100):
        now = float(second)
        said = rate.note(1_000_000 + 50 * second)
    assert said == pytest.approx(50)
    now += RATE_S
    rate.note(1_000_000 + 50 * 99)
    now += RATE_S
    assert rate.note(1_000_000 + 50 * 99) == 0
