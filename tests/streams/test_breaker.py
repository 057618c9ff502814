"""A worker that would drain its topic into the dead letters stops."""

import pytest

from earmark.streams.breaker import BreakerError, DeadLetterBreaker
from earmark.streams.settings import BreakerSettings


def breaker(**settings: float) -> DeadLetterBreaker:
    return DeadLetterBreaker(BreakerSettings(**settings))  # type: ignore[arg-type]  # by name


def test_so_many_in_a_row_are_too_many() -> None:
    watching = breaker(window=100, in_a_row=3)
    for ending in ("MEDIA_EMPTY", "MEDIA_EMPTY", None, "MEDIA_EMPTY", "MEDIA_GONE"):
        watching.note(ending)
    with pytest.raises(BreakerError, match=r"3 events in a row .*MEDIA_EMPTY 4"):
        watching.note("MEDIA_EMPTY")


def test_so_large_a_share_of_the_last_ones_is_too_large() -> None:
    watching = breaker(window=10, share=0.5, in_a_row=0)
    for number in range(40):
        watching.note("MEDIA_EMPTY" if number % 2 else None)
    with pytest.raises(BreakerError, match="6 of the last 10 events"):
        watching.note("MEDIA_EMPTY")


def test_the_share_is_not_judged_before_the_window_is_full() -> None:
    watching = breaker(window=10, share=0.1, in_a_row=0)
    for _ in range(9):
        watching.note("MEDIA_EMPTY")


def test_it_can_be_told_to_go_on() -> None:
    watching = breaker(window=10, share=1, in_a_row=0)
    for _ in range(1_000):
        watching.note("MEDIA_EMPTY")
