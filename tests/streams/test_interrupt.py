"""Ctrl-C waits until it is asked for."""

import os
import signal

import pytest

from earmark.streams.interrupt import kept_interrupts


def test_an_interrupt_is_raised_where_it_is_asked_for_and_nowhere_else() -> None:
    with kept_interrupts() as check:
        check()
        os.kill(os.getpid(), signal.SIGINT)
        noted = "what comes behind it is done"
        with pytest.raises(KeyboardInterrupt):
            check()
    assert noted


def test_afterwards_interrupts_are_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    with kept_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
