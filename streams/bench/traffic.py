"""Live traffic at a steady rate, and how long each of its events waited for its signals."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import confluent_kafka
import numpy as np
from confluent_kafka import KafkaError, Message
from numpy.typing import NDArray

from earmark.models.error import ServiceError
from earmark.processors.content import ContentEvent
from earmark.streams.kafka import producer_config
from earmark.streams.producer import encoded
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.topic import CONTENT_EVENTS

FLUSH_S = 60.0
STALLED_S = 120.0  # without a signal: what is missing then does not come
SEED = 7
_OWN: Mapping[str, object] = {"enable.idempotence": True, "linger.ms": 0}


class Traffic:
    """Sends events to a topic, at once or at a rate; `taken_ms` is when the broker took each.

    Times are the broker's, in milliseconds since the epoch, by item.
    """

    def __init__(self, settings: Settings, topic: str = CONTENT_EVENTS) -> None:
        self._topic = topic
        self._producer = confluent_kafka.Producer(producer_config(settings.kafka, _OWN))
        with Registry(settings.registry) as registry:
            self._schema_id = registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS]
        self._failure = ""
        self.taken_ms: dict[str, int] = {}

    def send(self, events: Iterable[ContentEvent], *, gaps_s: Sequence[float] = ()) -> None:
        """Send them, each so many seconds after the one before, and wait until all are taken.

        Raises ServiceError where the broker does not take them.
        """
        gaps = iter(gaps_s)
        payloads = ((e.content_id.encode(), encoded(e, self._schema_id)) for e in events)
        due = time.monotonic()
        # who sends at a rate has it all made before, and hardly computes meanwhile
        for key, payload in list(payloads) if gaps_s else payloads:
            due += next(gaps, 0.0)
            self._poll_until(due)
            self._produce(key, payload)
        if self._producer.flush(FLUSH_S) or self._failure:
            raise ServiceError(f"the benchmark's events were not taken: {self._failure}")

    def _poll_until(self, due: float) -> None:
        self._producer.poll(0)
        while (left_s := due - time.monotonic()) > 0:
            self._producer.poll(left_s)

    def _produce(self, key: bytes, payload: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._topic, payload, key, on_delivery=self._note)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _note(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = error.str()
        else:
            self.taken_ms[(message.key() or b"").decode()] = message.timestamp()[1]


def poisson_gaps_s(rate_hz: float, seconds: float) -> list[float]:
    """The time before each event, the same each time: as people come, not as clocks tick."""
    random = np.random.default_rng(SEED)
    number = max(1, round(rate_hz * seconds))
    return list(map(float, random.exponential(1 / rate_hz, number)))


def waits_ms(
    signals: Iterator[ReceivedSignal], taken_ms: Mapping[str, int], *, each: int
) -> NDArray[np.int64]:
    """Milliseconds from the arrival of each event to the last of its `each` signals.

    Both times are when the broker took the record; the commit follows within a few milliseconds.
    Raises ServiceError when signals are missing.
    """
    missing = dict.fromkeys(taken_ms, each)
    written_ms = dict.fromkeys(taken_ms, 0)
    deadline = time.monotonic() + STALLED_S
    while missing:
        if (signal := next(signals, None)) is None and time.monotonic() > deadline:
            raise ServiceError(f"{len(missing)} events got no answer in {STALLED_S:g} s")
        if signal is None or signal.key not in missing:
            continue
        deadline = time.monotonic() + STALLED_S
        written_ms[signal.key] = max(written_ms[signal.key], signal.timestamp)
        missing[signal.key] -= 1
        if not missing[signal.key]:
            del missing[signal.key]
    return np.array([written_ms[item] - taken for item, taken in taken_ms.items()])
