"""Circuit breakers, one per media host: a host that is down is not waited for by every event.

After M. Nygard, "Release It!" (2007): closed while a host answers, open for a while after it has
failed several times in a row, then half open, when one request goes through and decides.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

FAILURES = 5  # in a row, that open a circuit
OPEN_S = 30.0
HOSTS = 10_000  # most hosts remembered


@dataclass(slots=True, kw_only=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


class Circuits:
    """The circuits of all hosts; safe to use from several threads."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        open_s: float = OPEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._open_s = open_s
        self._clock = clock
        self._lock = Lock()
        self._circuits: dict[str, _Circuit] = {}

    def open_for_s(self, host: str) -> float:
        """Seconds for which the host is not to be asked; 0: ask it now, and report how it went.

        Where the time has just passed, one caller gets 0 and the others wait for what it finds.
        """
        with self._lock:
            circuit = self._circuits.get(host)
            if circuit is None or circuit.failures < self._failures:
                return 0.0
            left_s = circuit.open_until - self._clock()
            if left_s > 0:
                return left_s
            circuit.open_until = self._clock() + self._open_s
            return 0.0

    def answered(self, host: str) -> None:
        """The host answered, be it with an error of its own about the object."""
        with self._lock:
            self._circuits.pop(host, None)

    def failed(self, host: str) -> None:
        """The host did not answer, or not in time."""
        with self._lock:
            if host not in self._circuits and len(self._circuits) >= HOSTS:
                self._circuits.pop(next(iter(self._circuits)))
            circuit = self._circuits.setdefault(host, _Circuit())
            circuit.failures += 1
            circuit.open_until = self._clock() + self._open_s
