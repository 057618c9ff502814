"""A call that does not return is not waited for beyond its limit."""

import subprocess
import sys
from threading import Event

import pytest

from earmark.streams.time_limit import within


def test_a_call_gives_what_it_returns_and_raises_what_it_raises() -> None:
    assert within(10, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 // 0)


def test_a_call_that_does_not_return_is_left_behind() -> None:
    end = Event()
    with pytest.raises(TimeoutError):
        within(0.05, end.wait)
    end.set()


def test_a_process_ends_though_a_call_of_it_does_not() -> None:
    code = (
        "from threading import Event\n"
        "from earmark.streams.time_limit import within\n"
        "try:\n    within(0.05, Event().wait)\nexcept TimeoutError:\n    print('late')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "late\n"
