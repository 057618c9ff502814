"""How much of what a network is given is padding: noted where rows are padded, read elsewhere.

A network's caller sees a batch and the code that pads it sees rows; `noting` joins the two without
an argument through every layer between.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Padding:
    """What was given and what it was made up to, in any unit: tokens, samples."""

    used: float = 0.0
    whole: float = 0.0

    @property
    def ratio(self) -> float | None:
        """The share of padding, in [0, 1]; None where nothing that pads was called."""
        return 1 - self.used / self.whole if self.whole else None


_NOTED: ContextVar[Padding | None] = ContextVar("padding", default=None)


@contextmanager
def noting() -> Iterator[Padding]:
    """What is padded within the block, in this thread; of a block within another, to that alone."""
    padding = Padding()
    token = _NOTED.set(padding)
    try:
        yield padding
    finally:
        _NOTED.reset(token)


def note_padding(*, used: float, whole: float) -> None:
    """Tell whoever asks that `used` was made up to `whole`."""
    padding = _NOTED.get()
    if padding is not None:
        padding.used += used
        padding.whole += whole
