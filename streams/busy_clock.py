"""How long something was at work, however many threads were."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class BusyClock:
    """Seconds in which at least one thread was inside of `working`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._working = 0
        self._past_s = 0.0
        self._since = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        """The block is work."""
        with self._lock:
            if not self._working:
                self._since = time.monotonic()
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1
                if not self._working:
                    self._past_s += time.monotonic() - self._since

    @property
    def seconds(self) -> float:
        """All of them so far."""
        with self._lock:
            return self._past_s + (time.monotonic() - self._since if self._working else 0.0)
