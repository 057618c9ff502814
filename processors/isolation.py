"""One bad item does not spoil its batch: that is halved down to the item which fails alone.

Then a canary, known to be good, is scored: if it fails too the model is broken, which is ours to
mend and stops the worker before it commits; if it passes, the item alone is at fault.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from earmark.processors.error import ContentError, EarmarkError, ModelError, RejectionClass

T = TypeVar("T")
R = TypeVar("R")

Score = Callable[[Sequence[T]], Sequence[R]]


def isolated(
    score: Score[T, R], batch: Sequence[T], *, canary: Callable[[], T], name: str, part: str
) -> list[R | ContentError]:
    """One result per item of the batch, or the ContentError of an item that fails alone.

    Raises ModelError when the canary fails too, or when a scorer answers for fewer items than it
    was given.
    """
    try:
        return list(_checked(score, batch, name))
    except EarmarkError:
        raise
    except Exception as error:  # noqa: BLE001  # a scorer may raise anything; it is wrapped here, once
        if len(batch) == 1:
            _prove_sound(score, canary(), name, error)
            reason = f"{name}: {type(error).__name__}: {error}"
            return [ContentError(RejectionClass.SCORER_FAILED, reason, part=part)]
    middle = len(batch) // 2
    halves = (batch[:middle], batch[middle:])
    return [
        result
        for half in halves
        for result in isolated(score, half, canary=canary, name=name, part=part)
    ]


def _checked(score: Score[T, R], batch: Sequence[T], name: str) -> Sequence[R]:
    results = score(batch)
    if len(results) != len(batch):
        raise ModelError(f"{name}: {len(results)} results for a batch of {len(batch)}")
    return results


def _prove_sound(score: Score[T, R], canary: T, name: str, cause: Exception) -> None:
    try:
        _checked(score, [canary], name)
    except Exception as error:  # noqa: BLE001  # likewise
        raise ModelError(
            f"{name} fails on known good input: {type(error).__name__}: {error}"
        ) from cause
