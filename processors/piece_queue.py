"""Clips or windows of all recordings that wait for a batch, in order of arrival."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from earmark.processors.budget import Budget
from earmark.processors.item import Item


class Piece(Protocol):
    """A clip or a window."""

    @property
    def seconds(self) -> float:
        """Its length."""


T = TypeVar("T")
P = TypeVar("P", bound=Piece)


class PieceQueue(Generic[T, P]):
    """Pieces, each with its owner; `item_of` says whose item that is."""

    def __init__(self, item_of: Callable[[T], Item]) -> None:
        self._item_of = item_of
        self._pieces: deque[tuple[T, P]] = deque()
        self.seconds = 0.0  # of all that wait

    def put(self, owner: T, pieces: Iterable[P]) -> None:
        """Append pieces of one recording, in order."""
        for piece in pieces:
            self._item_of(owner).pieces_out += 1
            self._pieces.append((owner, piece))
            self.seconds += piece.seconds

    def batch(self, budget: Budget) -> list[tuple[T, P]]:
        """Pieces from the front that are within the budget, one at least.

        Those of recordings that have turned out to be broken are let go.
        """
        batch: list[tuple[T, P]] = []
        held_s = 0.0
        while self._pieces:
            owner, piece = self._pieces[0]
            item = self._item_of(owner)
            if item.audio_error is not None:
                self._pop()
                item.pieces_out -= 1
                continue
            held_s += piece.seconds
            if batch and held_s > budget.amount:
                break
            batch.append(self._pop())
        return batch

    def _pop(self) -> tuple[T, P]:
        owner, piece = self._pieces.popleft()
        self.seconds = self.seconds - piece.seconds if self._pieces else 0.0
        return owner, piece


def seconds_of(pieces: Iterable[Piece]) -> float:
    """Their length in all."""
    return sum(piece.seconds for piece in pieces)
