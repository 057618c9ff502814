"""Decisions on their way in, from whatever brings them: checked, then written some at a time."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from earmark.processors.review.decision import Decision
from earmark.streams.review.desk import Desk
from earmark.streams.review.ledger import BATCH, Written

OnWritten = Callable[[int], None]  # decisions taken so far

_Item = TypeVar("_Item")


def take(
    desk: Desk,
    decisions: Iterable[tuple[str, Decision] | str],
    on_written: OnWritten = lambda count: None,
) -> Written:
    """Write decisions by content_id, `BATCH` in one transaction; what became of them.

    A line of text among them says what could not be one. Of items that are gone nothing is
    written, and nothing is left where one goes meanwhile. After any end the same call goes on:
    what was written is known. Raises TransactionError as `DecisionLedger.add` does.
    """
    written, taken = Written(), 0
    for batch in _batches(decisions, BATCH):
        good = [each for each in batch if not isinstance(each, str)]
        standing = [each for each in good if desk.stands(each[0])]
        gone = [f"{name}: there is no such item" for name, _ in good if not desk.stands(name)]
        written.refused += [each for each in batch if isinstance(each, str)] + gone
        written += desk.ledger.add(standing)
        written.refused += _forgotten(desk, {name for name, _ in standing})
        taken += len(batch)
        on_written(taken)
    return written


def _forgotten(desk: Desk, names: Iterable[str]) -> list[str]:
    """Forget decisions about what was deleted while they were written; a line on each."""
    desk.advance()
    gone = sorted(name for name in names if not desk.stands(name))
    desk.ledger.forget(gone)
    return [f"{name}: it was deleted meanwhile" for name in gone]


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
