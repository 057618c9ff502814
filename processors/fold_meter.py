"""A meter that is a fold over the mono blocks of a recording, and what is concluded of it."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from earmark.processors.block import Samples
from earmark.processors.outcome import Result
from earmark.processors.signal import Container


class Fold(Protocol):
    """What follows a recording block by block."""

    def step(self, samples_T: Samples) -> None:
        """Take the next samples."""


F = TypeVar("F", bound=Fold)


class FoldMeter(Generic[F]):
    """A `MonoMeter` that hands the recording to `fold`; `conclude` makes the result of it."""

    def __init__(self, fold: F, conclude: Callable[[F], Result]) -> None:
        self._fold = fold
        self._conclude = conclude

    def step(self, samples_T: Samples) -> None:
        """Take the next block."""
        self._fold.step(samples_T)

    def finish(self, _container: Container) -> Result:
        """What is said of the whole recording."""
        return self._conclude(self._fold)
