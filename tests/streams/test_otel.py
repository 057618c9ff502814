"""A real worker on the real broker, watched: its spans, its metrics and what its log says."""

import io
import json
import time
import uuid
import wave
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

import confluent_kafka
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id
from prometheus_client import Gauge

from earmark.processors.content import Audio, ContentEvent, Text
from earmark.streams.assembly import assemble
from earmark.streams.health import Health
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.log import configure_logging
from earmark.streams.metrics import Metrics
from earmark.streams.otel import TracingObserver, span_limits
from earmark.streams.producer import Producer
from earmark.streams.registry import Registry
from earmark.streams.settings import RetrySettings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import CONTENT_EVENTS

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SIGNALS = ("audio.loudness", "text.language")
TRACE, PARENT = uuid.uuid4().hex, uuid.uuid4().hex[:16]
MARKER = f"marker{uuid.uuid4().hex}"
WAIT_S = 240.0


@dataclass
class Watched:
    """What was seen of one worker's life."""

    run: str
    signals: Mapping[str, ReceivedSignal]
    spans: list[ReadableSpan]
    metrics: Metrics
    lag: tuple[float, float]
    log: str

    def span(self, name: str, item: str) -> ReadableSpan:
        """The span of that name in the trace of an item."""
        (root,) = [
            span
            for span in self.spans
            if span.attributes and span.attributes.get("earmark.content_id") == item
        ]
        if name == "root":
            return root
        (found,) = [each for each in self.spans if each.name == name and parent(each) == root]
        return found

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def parent(span: ReadableSpan) -> Any:
    """Equal to the span it is a child of."""

    class Same:
        def __eq__(self, other: object) -> bool:
            context = other.context if isinstance(other, ReadableSpan) else None
            return bool(span.parent and context and span.parent.span_id == context.span_id)

        __hash__ = None  # type: ignore[assignment]  # compared, never kept

    return Same()


def second_of_sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(range(200)) * 160)
    return file.getvalue()


def event(item: str, **changes: object) -> ContentEvent:
    texts = (Text(field="title", text=f"The river runs quietly behind {MARKER}"),)
    fields: dict[str, object] = {"event_id": f"{item}-1", "content_id": item, "texts": texts}
    return ContentEvent(**(fields | changes))  # type: ignore[arg-type]  # fields vary


def many(run: str) -> list[str]:
    """Items of which more come together than the SDK by itself keeps links of a span, 128."""
    return [f"{run}-{number}" for number in range(300)]


@pytest.fixture(scope="module")
def watched(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    run, said, exporter = uuid.uuid4().hex[:8], io.StringIO(), InMemorySpanExporter()
    own = stack.settings.model_copy(update={"state": tmp_path_factory.mktemp("state")})
    settings = with_worker(own, signals=SIGNALS, decoders=1, retry=RetrySettings(attempts=1))
    provider = TracerProvider(span_limits=span_limits())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    metrics = Metrics()
    with redirect_stderr(said), Registry(settings.registry) as registry:
        configure_logging(level="debug")
        worker = assemble(
            settings,
            registry=registry,
            health=Health(),
            metrics=metrics,
            observer=TracingObserver(metrics, provider),
        )
        with ThreadPoolExecutor(1) as pool:  # the worker stays in the thread that made it
            asking = pool.submit(_sent_and_answered, stack, run)
            behind = pool.submit(_lag, metrics)
            behind.add_done_callback(lambda _: worker.stop())
            worker.run()
            signals, lag = asking.result(), behind.result()
    configure_logging()
    spans = list(exporter.get_finished_spans())
    return Watched(run, signals, spans, metrics, lag, said.getvalue())


def _sent_and_answered(stack: Stack, run: str) -> Mapping[str, ReceivedSignal]:
    """Many events, one with a trace, one with broken audio, and bytes that are no event."""
    with Producer(stack.settings) as producer:
        for item in many(run):
            producer.send(event(item))
        traced = {"traceparent": f"00-{TRACE}-{PARENT}-01".encode(), "tracestate": b"vendor=1"}
        producer.send(event(f"{run}-good", audio=Audio(data=second_of_sound())), headers=traced)
        producer.send(event(f"{run}-bad", audio=Audio(data=MARKER.encode() * 40)))
    raw = confluent_kafka.Producer(producer_config(stack.settings.kafka))
    raw.produce(CONTENT_EVENTS, MARKER.encode(), f"{run}-stray".encode())
    assert raw.flush(30) == 0
    wanted = {f"{run}-good/audio.loudness", f"{run}-good/text.language", f"{run}-bad/rejections"}
    wanted |= {f"{run}-stray/rejections", f"{run}-bad/text.language"}
    wanted |= {f"{item}/text.language" for item in many(run)}
    found: dict[str, ReceivedSignal] = {}
    deadline = time.monotonic() + WAIT_S
    names = (*SIGNALS, "rejections")
    with subscribe(*names, settings=stack.settings, from_beginning=True, timeout_s=1.0) as records:
        while not wanted <= found.keys() and time.monotonic() < deadline:
            found |= {f"{each.key}/{each.name}": each for each in records}
    assert wanted <= found.keys()
    return found


def _lag(metrics: Metrics) -> tuple[float, float]:
    """Records and seconds that the worker is behind with events, when it has shown both."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = (_of_events(metrics.lag_records), _of_events(metrics.lag_seconds))
        if all(found) and not any(found[1]):
            break
        time.sleep(0.1)
    return sum(found[0]), sum(found[1])


def _of_events(gauge: Gauge) -> list[float]:
    samples = [sample for family in gauge.collect() for sample in family.samples]
    return [each.value for each in samples if each.labels["topic"] == CONTENT_EVENTS]


def test_a_worker_that_has_answered_all_is_not_behind_and_shows_nothing_when_it_has_gone(
    watched: Watched,
) -> None:
    assert watched.lag == (0, 0)
    assert not _of_events(watched.metrics.lag_records)
    assert not _of_events(watched.metrics.lag_seconds)


def test_an_events_trace_goes_on_from_its_producers_through_all_stages(watched: Watched) -> None:
    item = f"{watched.run}-good"
    root = watched.span("root", item)
    assert root.parent is not None
    assert format_trace_id(root.parent.trace_id) == TRACE
    assert format_span_id(root.parent.span_id) == PARENT
    stages = [watched.span(name, item) for name in ("fetch", "decode", "score", "publish")]
    ends = [span.end_time or 0 for span in stages]
    assert ends == sorted(ends)
    assert (root.end_time or 0) >= ends[-1]


def test_signals_carry_the_trace_on(watched: Watched) -> None:
    for name in SIGNALS:
        headers = watched.signals[f"{watched.run}-good/{name}"].headers
        published = watched.span("publish", f"{watched.run}-good").context
        assert published is not None
        span = format_span_id(published.span_id)
        assert headers["traceparent"] == f"00-{TRACE}-{span}-01".encode()
        assert headers["tracestate"] == b"vendor=1"


def test_an_event_without_a_trace_begins_one_and_a_rejected_one_says_so(watched: Watched) -> None:
    root = watched.span("root", f"{watched.run}-bad")
    assert root.parent is None
    assert root.status.description == "MEDIA_UNRECOGNISED"
    rejection = watched.signals[f"{watched.run}-bad/rejections"]
    assert format_trace_id(root.context.trace_id).encode() in rejection.headers["traceparent"]


def test_a_batch_and_a_transaction_are_linked_to_their_events(watched: Watched) -> None:
    items = [f"{watched.run}-good", *many(watched.run)]
    for name in ("batch text.language", "transaction"):
        spans = [span for span in watched.spans if span.name == name]
        linked = Counter(link.context.span_id for span in spans for link in span.links)
        assert {linked[watched.span("root", item).context.span_id] for item in items} == {1}
        assert all(span.parent is None for span in spans)


def test_stages_batches_lag_and_freshness_are_measured(watched: Watched) -> None:
    for stage in ("fetch", "decode", "score", "publish"):
        assert watched.value("earmark_stage_seconds_count", stage=stage)
    assert watched.value("earmark_batch_seconds_count", signal="text.language")
    assert watched.value("earmark_batch_fill_ratio_count", signal="text.language")
    assert watched.value("earmark_device_busy_seconds_total")
    assert watched.value("earmark_device_memory_used_bytes", device="cpu")
    for name in SIGNALS:
        at = watched.value("earmark_signal_published_timestamp_seconds", signal=name)
        arrived = watched.value("earmark_signal_event_timestamp_seconds", signal=name)
        assert at is not None
        assert arrived is not None
        assert time.time() - 3600 < arrived <= at + 1


def test_content_is_nowhere_in_the_log_and_ids_are(watched: Watched) -> None:
    assert MARKER not in watched.log
    lines = [json.loads(line) for line in watched.log.splitlines() if line.startswith("{")]
    answered = [line for line in lines if line["event"] == "event answered"]
    (line,) = [line for line in answered if line["content_id"] == f"{watched.run}-good"]
    assert (line["level"], line["trace_id"]) == ("debug", TRACE)
    published = {name: watched.signals[f"{watched.run}-good/{name}"] for name in SIGNALS}
    assert line["outcomes"] == {name: it.record["outcome"] for name, it in published.items()}
    assert {"event_id", "topic", "partition", "offset"} <= line.keys()
    assert any(line["event"] == "batch published" and line["level"] == "info" for line in lines)
