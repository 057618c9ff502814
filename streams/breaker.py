"""Stops a worker that would turn a topic into dead letters.

After a bad deploy, a lost credential or a wrong schema nearly every event fails. Such a worker is
to stop with the reason, not to drain the topic into the dead letters.
"""

from collections import Counter, deque

from earmark.processors.error import ServiceError
from earmark.streams.settings import BreakerSettings

EXIT_STATUS = 78  # EX_CONFIG of sysexits.h: starting again does not help


class BreakerError(ServiceError):
    """Too many events would be dead-lettered."""

    exit_status = EXIT_STATUS


class DeadLetterBreaker:
    """Counts how the last events ended; each is noted before it is published."""

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._last: deque[str | None] = deque(maxlen=settings.window)
        self._failed = 0  # of them
        self._in_a_row = 0

    def note(self, rejection_class: str | None) -> None:
        """An event ends so: dead-lettered for that class, or well (None).

        Raises BreakerError when that is one too many.
        """
        full = len(self._last) == self._settings.window
        self._failed += bool(rejection_class) - bool(full and self._last[0])
        self._last.append(rejection_class)
        self._in_a_row = self._in_a_row + 1 if rejection_class else 0
        failed = self._failed
        if self._settings.in_a_row and self._in_a_row >= self._settings.in_a_row:
            raise self._error(f"{self._in_a_row} events in a row")
        full = len(self._last) == self._settings.window
        if full and failed > self._settings.share * self._settings.window:
            raise self._error(f"{failed} of the last {self._settings.window} events")

    def _error(self, what: str) -> BreakerError:
        causes = Counter(filter(None, self._last)).most_common(3)
        shown = ", ".join(f"{cause} {count}" for cause, count in causes)
        return BreakerError(
            f"{what} would be dead-lettered ({shown}); nothing of the last batch was published. "
            "If the events are at fault, go on with EARMARK_WORKER__BREAKER__SHARE=1 and "
            "EARMARK_WORKER__BREAKER__IN_A_ROW=0"
        )
