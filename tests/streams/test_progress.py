"""What a progress bar says."""

import pytest

from earmark.streams.progress import LINE_S, RATE_S, Lines, Rate


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


def test_without_a_terminal_what_takes_long_says_how_far_it_is() -> None:
    now, said = 0.0, list[str]()
    lines = Lines(say=said.append, clock=lambda: now)
    for done in range(35):
        now = float(done)
        lines.report("offsets", done, 1_000)
        lines.report("bytes", 1_000 * done, None, "2 lost", "1 late")
    assert said == [
        *("offsets: 10 of 1,000", "bytes: 10,000, 2 lost, 1 late"),
        *("offsets: 20 of 1,000", "bytes: 20,000, 2 lost, 1 late"),
        *("offsets: 30 of 1,000", "bytes: 30,000, 2 lost, 1 late"),
    ]


def test_what_is_soon_through_says_nothing() -> None:
    now, said = 0.0, list[str]()
    lines = Lines(say=said.append, clock=lambda: now)
    lines.report("offsets", 1, 2)
    now += LINE_S / 2
    lines.report("offsets", 2, 2)
    assert not said
