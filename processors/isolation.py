"""One bad item does not spoil its batch: that is halved down to the item which fails alone.

Then a canary, known to be good, is scored: if it fails too the model is broken, which is ours to
mend and stops the worker before it commits; if it passes, the item alone is at fault.

A batch for which memory runs out is halved likewise, and whoever made it is told to make the next
ones smaller. Nothing that it held is kept meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from earmark.models.device import free_memory, is_out_of_memory
from earmark.processors.error import ContentError, EarmarkError, ModelError, RejectionClass

T = TypeVar("T")
R = TypeVar("R")

Score = Callable[[Sequence[T]], Sequence[R]]


def isolated(
    score: Score[T, R],
    batch: Sequence[T],
    *,
    canary: Callable[[], T],
    name: str,
    part: str,
    too_large: Callable[[Sequence[T]], None] | None = None,
) -> list[R | ContentError]:
    """One result per item of the batch, or the ContentError of an item that fails alone.

    `too_large` is told of each batch of several items for which there was not enough memory.
    Raises ModelError when the canary fails too, or when a scorer answers for fewer items than it
    was given.
    """
    if not batch:
        return []
    try:
        return list(_checked(score, batch, name))
    except EarmarkError:
        raise
    except Exception as error:  # noqa: BLE001  # a scorer may raise anything; it is wrapped here, once
        short_of_memory = is_out_of_memory(error)
        if short_of_memory:
            free_memory(error)
        if len(batch) == 1:
            _prove_sound(score, canary(), name, error)
            what = "out of memory: " if short_of_memory else ""
            reason = f"{name}: {what}{type(error).__name__}: {error}"
            return [ContentError(RejectionClass.SCORER_FAILED, reason, part=part)]
    if short_of_memory and too_large is not None:
        too_large(batch)
    middle = len(batch) // 2
    halves = (batch[:middle], batch[middle:])
    return [
        result
        for half in halves
        for result in isolated(
            score, half, canary=canary, name=name, part=part, too_large=too_large
        )
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
