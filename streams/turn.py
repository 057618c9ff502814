"""Turns that come evenly: so many a second, each at its time."""

import time
from collections.abc import Callable

SLACK_S = 0.1  # how far behind its time one may be and catch up; what is later is not made up for
FINEST_S = 0.001  # shorter waits are left out and made up for by the next
AHEAD_S = 0.25  # of turns that may be open at a time: else they would pile up and come at once


class Turns:
    """`per_second` turns a second, evenly spaced; None: as many as are asked for."""

    def __init__(
        self, per_second: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gap_s = 1 / per_second if per_second else 0.0
        self._most_open = AHEAD_S * (per_second or 0.0)
        self._clock = clock
        self._next = clock()

    def wait_s(self, still_open: int = 0) -> float:
        """Seconds until the next turn may come, 0: it may be taken now.

        `still_open` is how many of those that were taken are not over yet.
        """
        if not self._gap_s:
            return 0.0
        left_s = self._next - self._clock()
        if still_open > self._most_open:
            return max(left_s, SLACK_S)
        return left_s if left_s > FINEST_S else 0.0

    def take(self) -> None:
        """Take the turn: the next one is a gap later."""
        self._next = max(self._next, self._clock() - SLACK_S) + self._gap_s
