"""Traces by OpenTelemetry: one for each content event, through every stage to its signals.

    event (consumer)
      fetch, decode, score
      publish (producer), whose context goes into the headers of what is published

A batch of a model and a transaction serve many events: each is a trace of its own, linked to the
spans of all that share it. Sources: OpenTelemetry's semantic conventions for messaging; W3C
Trace Context.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import Message
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_SPAN_LINK_COUNT_LIMIT
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from prometheus_client import Histogram

from earmark import __version__
from earmark.processors.batch import Batch
from earmark.processors.content import ContentEvent
from earmark.streams.flight import Flight
from earmark.streams.header import Headers, carried_headers, headers_of
from earmark.streams.journey import Journey, TimedJourney
from earmark.streams.metrics import Metrics
from earmark.streams.observer import Observer
from earmark.streams.settings import TracesSettings

SERVICE = "earmark-worker"
PUBLISH = "publish"

_PROPAGATOR = TraceContextTextMapPropagator()


class TracingObserver(Observer):
    """Keeps metrics and makes spans, for what `provider` sends or keeps."""

    def __init__(self, metrics: Metrics, provider: TracerProvider) -> None:
        super().__init__(metrics)
        self._provider = provider
        self._tracer = provider.get_tracer("earmark", __version__)
        self._journeys: dict[int, _TracedJourney] = {}  # by id of the event

    def begin(self, message: Message) -> Journey:
        """The journey of a record; its span is a child of what the record names as its parent."""
        return _TracedJourney(message, self._tracer, self._seconds, self._journeys)

    @contextmanager
    def batch(self, batch: Batch) -> Iterator[None]:
        """Surrounds a batch by a span with links to those of its events; a mere step by none."""
        with super().batch(batch):
            if not batch.events:
                yield
                return
            with self._tracer.start_as_current_span(
                f"batch {batch.signal}",
                context=trace.set_span_in_context(trace.INVALID_SPAN),
                links=self._links(batch.events),
                attributes={
                    "earmark.signal": batch.signal,
                    "earmark.batch.items": len(batch.events),
                },
            ) as span:
                yield
            span.set_attribute("earmark.batch.fill", batch.fill)

    @contextmanager
    def transaction(self, flights: Sequence[Flight]) -> Iterator[None]:
        """Surrounds a transaction by a span, and by a span of each event in it."""
        for flight in flights:
            flight.journey.begin(PUBLISH)
        links = [
            Link(flight.journey.context)
            for flight in flights
            if isinstance(flight.journey, _TracedJourney)
        ]
        try:
            with (
                self._tracer.start_as_current_span(
                    "transaction",
                    context=trace.set_span_in_context(trace.INVALID_SPAN),
                    links=links,
                    attributes={"messaging.batch.message_count": len(flights)},
                ),
                super().transaction(flights),
            ):
                yield
        except Exception as error:
            _finish(flights, type(error).__name__)
            raise
        _finish(flights, None)

    def close(self) -> None:
        """Send the spans that have not been sent."""
        self._provider.shutdown()

    def _links(self, events: Sequence[ContentEvent]) -> list[Link]:
        keys = dict.fromkeys(map(id, events))
        return [Link(self._journeys[key].context) for key in keys if key in self._journeys]


class _TracedJourney(TimedJourney):
    """The spans of one event, begun and ended by whichever thread has it."""

    def __init__(
        self,
        message: Message,
        tracer: trace.Tracer,
        seconds: Mapping[str, Histogram],
        journeys: "dict[int, _TracedJourney]",
    ) -> None:
        super().__init__(seconds)
        self._tracer = tracer
        self._journeys = journeys
        self._key: int | None = None
        self._stages: dict[str, Span] = {}
        named = {name: _text(value) for name, value in carried_headers(headers_of(message))}
        self._span = tracer.start_span(
            f"process {message.topic()}",
            context=_PROPAGATOR.extract(
                named, context=trace.set_span_in_context(trace.INVALID_SPAN)
            ),
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "process",
                "messaging.destination.name": message.topic() or "",
                "messaging.destination.partition.id": str(message.partition()),
                "messaging.kafka.offset": message.offset() or 0,
            },
        )
        self._parent = trace.set_span_in_context(self._span)
        self._published: Headers | None = None

    @property
    def context(self) -> trace.SpanContext:
        """Its span's, to be linked to."""
        return self._span.get_span_context()

    @property
    def headers(self) -> Headers | None:
        return self._published

    @property
    def trace_id(self) -> str | None:
        return trace.format_trace_id(self.context.trace_id)

    def identify(self, event: ContentEvent) -> None:
        self._key = id(event)
        self._journeys[self._key] = self
        ids: dict[str, AttributeValue] = {
            "messaging.message.id": event.event_id,
            "earmark.content_id": event.content_id,
        }
        self._span.set_attributes(ids)

    def begin(self, stage: str) -> None:
        if stage != PUBLISH:  # timed as a whole
            super().begin(stage)
        kind = SpanKind.PRODUCER if stage == PUBLISH else SpanKind.INTERNAL
        span = self._tracer.start_span(stage, context=self._parent, kind=kind)
        self._stages[stage] = span
        if stage == PUBLISH:
            self._published = _headers_of(span)

    def end(self, stage: str) -> None:
        super().end(stage)
        if (span := self._stages.pop(stage, None)) is not None:
            span.end()

    def finish(self, error: str | None = None) -> None:
        for span in (*self._stages.values(), self._span):
            if error is not None:
                span.set_status(StatusCode.ERROR, error)
            span.end()
        self._stages.clear()
        if self._key is not None:
            self._journeys.pop(self._key, None)


def provider_for(settings: TracesSettings, instance: str) -> TracerProvider:
    """Sends spans by OTLP over HTTP as OpenTelemetry's variables say, in a thread of its own."""
    own = {SERVICE_INSTANCE_ID: instance} | (
        {} if settings.service_is_named else {SERVICE_NAME: SERVICE}
    )
    provider = TracerProvider(
        resource=Resource.create(own), shutdown_on_exit=False, span_limits=span_limits()
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.endpoint)))
    return provider


def span_limits() -> SpanLimits:
    """Those of OpenTelemetry's variables, but links to all events of a batch or a transaction.

    The SDK itself would keep 128 of up to a thousand, and the others could not be found from there.
    """
    named = OTEL_SPAN_LINK_COUNT_LIMIT in os.environ
    return SpanLimits(max_links=None if named else SpanLimits.UNSET)


def _finish(flights: Sequence[Flight], error: str | None) -> None:
    for flight in flights:
        rejection = flight.rejection
        rejected = None if rejection is None else str(rejection.error.rejection_class)
        flight.journey.end(PUBLISH)
        flight.journey.finish(error or rejected)


def _headers_of(span: Span) -> Headers:
    found: dict[str, str] = {}
    _PROPAGATOR.inject(found, context=trace.set_span_in_context(span))
    return [(name, value.encode()) for name, value in found.items()]


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
