"""Models that several signals share: loaded once, also where those are loaded side by side."""

from collections.abc import Callable
from functools import lru_cache, wraps
from threading import RLock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def shared(most: int | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give whoever asks a loader for the same the same, of the last `most` that were asked for.

    Who asks while it is loaded waits for it: beside each other both would load their own.
    """

    def of(load: Callable[P, R]) -> Callable[P, R]:
        kept, lock = lru_cache(most)(load), RLock()

        @wraps(load)
        def loaded(*args: P.args, **kwargs: P.kwargs) -> R:
            with lock:
                return kept(*args, **kwargs)  # type: ignore[arg-type]  # all are hashable

        return loaded

    return of
