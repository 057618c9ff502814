"""A shared model is loaded once, whoever asks at the same time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from earmark.models.shared import shared


def test_who_asks_while_it_is_loaded_gets_the_same() -> None:
    begun = Barrier(2)
    loads = []

    @shared()
    def load(name: str) -> object:
        loads.append(name)
        begun.wait(10)  # the other is about to ask
        return object()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(load, "a")
        begun.wait(10)
        second = threads.submit(load, "a")
    assert loads == ["a"]
    assert first.result() is second.result()


def test_only_the_last_are_kept() -> None:
    loads = []

    @shared(1)
    def load(name: str) -> str:
        loads.append(name)
        return name

    assert [load("a"), load("a"), load("b"), load("a")] == ["a", "a", "b", "a"]
    assert loads == ["a", "b", "a"]


def test_a_load_that_fails_is_tried_again() -> None:
    loads = []

    @shared()
    def load(name: str) -> str:
        loads.append(name)
        if len(loads) == 1:
            raise OSError(name)
        return name

    with pytest.raises(OSError, match="a"):
        load("a")
    assert load("a") == "a"
