"""What a worker tells of its work: always metrics, and traces where a collector is named."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from confluent_kafka import Message

from earmark.models.error import ConfigurationError
from earmark.processors.batch import Batch
from earmark.streams.error import TransactionError
from earmark.streams.flight import Flight
from earmark.streams.journey import Journey, TimedJourney
from earmark.streams.kafka import worker_id
from earmark.streams.metrics import Metrics
from earmark.streams.settings import Settings

TIMED = ("fetch", "decode", "score")  # event by event; publish is timed by transaction


class Observer:
    """Keeps metrics; the one in `earmark.streams.otel` makes spans of the same."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._seconds = {stage: metrics.stages[stage] for stage in TIMED}

    def begin(self, message: Message) -> Journey:  # others look at it
        """The journey of a record that has just been read."""
        return TimedJourney(self._seconds)

    def batch(self, batch: Batch) -> AbstractContextManager[object]:
        """Surrounds one batch of a model, in the thread that scores."""
        return self.metrics.batch(batch)

    @contextmanager
    def transaction(self, flights: Sequence[Flight]) -> Iterator[None]:
        """Surrounds the publishing of these flights."""
        try:
            with self.metrics.stages["publish"].time():
                yield
        except TransactionError:
            self.metrics.transactions.labels("aborted").inc()
            raise
        self.metrics.note_published(flights)

    def close(self) -> None:
        """Send what is still to be sent."""


def observer_for(settings: Settings, metrics: Metrics) -> Observer:
    """What the settings, and OpenTelemetry's own variables, ask for.

    Raises ConfigurationError where traces are asked for and cannot be made.
    """
    if not settings.traces.asked:
        return Observer(metrics)
    try:
        from earmark.streams.otel import TracingObserver, provider_for
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"traces are asked for, and {error.name} is not installed: pip install 'earmark[otel]'"
        ) from None
    return TracingObserver(metrics, provider_for(settings.traces, worker_id(settings.kafka)))
