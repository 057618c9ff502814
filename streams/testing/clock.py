"""A clock that stands still until it is told to move."""

from threading import Lock

START_MS = 1_793_440_800_000  # 31 October 2026, 10:00 UTC: when the golden records' event happened


class Clock:
    """Milliseconds since the epoch, moved by `advance` alone; for any thread."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self._now_ms = start_ms
        self._lock = Lock()

    @property
    def now_ms(self) -> int:
        """The time, in milliseconds since the epoch."""
        return self._now_ms

    def now(self) -> float:
        """The time in seconds since the epoch, to stand in for `time.time`."""
        return self._now_ms / 1000

    def advance(self, seconds: float) -> int:
        """Let so much time pass, and say what time it then is, in milliseconds."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds:g} s")
        with self._lock:
            self._now_ms += round(seconds * 1000)
            return self._now_ms
