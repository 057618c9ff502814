"""How fast a replay goes: no faster than it was told, and not while live work waits."""

import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

import structlog

from earmark.models.error import ServiceError
from earmark.streams.flight import Flight
from earmark.streams.group_lag import GroupLag
from earmark.streams.replay.manifest import Manifest
from earmark.streams.settings import KafkaSettings

CODE_POINTS_PER_TOKEN = 4  # of English text, roughly
ASK_S = 0.5  # between two looks at how far the live workers are

log = structlog.get_logger()


class RateLimit:
    """Lets work of a cost through at a rate, on average; a rate of 0 does not limit.

    What was done is paid for before more is begun.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._clock = clock
        self._paid_at = clock()

    def spend(self, cost: float) -> None:
        """Note what was done."""
        if self._per_s:
            self._paid_at = max(self._paid_at, self._clock()) + cost / self._per_s

    @property
    def in_debt(self) -> bool:
        """Whether what was done is not paid for yet."""
        return self._clock() < self._paid_at


class LiveLag(Thread):
    """Watches how many events the live workers are behind, in a thread of its own.

    Unknown counts as behind: who cannot see whether others need the machine gives way.
    """

    def __init__(self, kafka: KafkaSettings, *, group_id: str) -> None:
        super().__init__(name="live-lag", daemon=True)
        self._lag = GroupLag(kafka, group_id=group_id)
        self._closing = Event()
        self.events: int | None = None

    def run(self) -> None:
        """Ask until it is closed."""
        while not self._closing.wait(ASK_S if self.events is not None else 0):
            try:
                self.events = self._lag.read() or 0  # for a group that nobody works for none wait
            except ServiceError as error:
                self.events = None
                log.warning("live lag unknown", reason=str(error))
                self._closing.wait(ASK_S)
        self._lag.close()

    def close(self) -> None:
        """Ask no more."""
        self._closing.set()


class Pace:
    """The rates and the courtesy of one worker of a replay, of which there are `workers`."""

    def __init__(self, manifest: Manifest, lag: LiveLag, *, workers: int) -> None:
        self._audio = RateLimit(manifest.audio_per_s / workers)
        self._tokens = RateLimit(manifest.tokens_per_s / workers)
        self._lag = lag
        self._most_lag = manifest.live_lag

    @property
    def holding(self) -> bool:
        """Whether nothing more is to be begun now."""
        lag = self._lag.events
        return lag is None or lag > self._most_lag or self._audio.in_debt or self._tokens.in_debt

    def note(self, flights: Sequence[Flight]) -> None:
        """Pay for what these took."""
        self._audio.spend(sum(flight.heard_s for flight in flights))
        self._tokens.spend(sum(map(_tokens, flights)))


def _tokens(flight: Flight) -> float:
    texts = () if flight.event is None else flight.event.texts
    return sum(len(text.text) for text in texts) / CODE_POINTS_PER_TOKEN
