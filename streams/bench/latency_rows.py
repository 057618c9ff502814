"""`latency_p50` and `latency_p99`: from a text event to its last signal in a reader's hands.

A worker that has nothing else to do gets an event of three texts now and then, one at a time, and
this process reads its signals as others do, with `read_committed`. The clock runs from the call
that sends the event to the moment in which the last of its signals was read. The baseline is the
model time: the same pipeline on the same event in this process, each time right after the worker
had it. The figure is what the way through Kafka adds: the percentile of the waits less the median
model time. `after_silence_ms_max` is the longest wait of events that come after some seconds in
which there were none.

What bounds it: the transaction, whose requests to the broker follow one after the other; two
fetches that the broker answers as soon as there is something; and the worker's thread, which looks
for answers every 5 ms while something is on its way. The least that was seen is 18 ms over the
models. The device waits for no company once it is known that none comes; that was 50 ms of each
wait.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from earmark.models.device import available_cores
from earmark.models.error import ServiceError
from earmark.processors.content import ContentEvent
from earmark.processors.expected import expected_signals
from earmark.processors.loader import load_specs
from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import torch_threads
from earmark.streams.bench.row import Goal, Row
from earmark.streams.bench.series import Series
from earmark.streams.bench.served import group_of, served
from earmark.streams.bench.traffic import Traffic, poisson_gaps_s
from earmark.streams.kafka import consumer_config
from earmark.streams.settings import KafkaSettings, Settings
from earmark.streams.topic import signal_topic

EVENTS = 400
EVENTS_FIRST = 10  # that do not count
RATE_HZ = 5.0  # a few a second
GOALS_MS = {50: 30.0, 99: 100.0}
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99, 100)
SILENCES_S = (12.0, 4.0, 5.0, 11.0, 5.0, 6.0, 7.0, 4.0)  # clients close connections meanwhile
ANSWER_S = 60.0
SIGNALS = (
    *("content.explicit", "text.embedding", "text.language", "text.pii", "text.quality"),
    *("text.safety", "text.sentiment", "text.topics"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """In milliseconds: from each event to its last signal, and what models take for one."""

    through_kafka: list[float]
    after_silence: list[float]
    models: list[float]

    def over_models(self, percent: float) -> float:
        """What the way adds for so many of a hundred events at most."""
        return float(np.percentile(self.through_kafka, percent) - np.median(self.models))


def latency_p50(plan: Plan) -> Row:
    """What the way through Kafka adds for half of the events at most."""
    return _row(plan, 50)


def latency_p99(plan: Plan) -> Row:
    """What it adds for 99 of 100 at most."""
    return _row(plan, 99)


def _row(plan: Plan, percent: int) -> Row:
    waits = _measured(plan)
    models_ms = float(np.median(waits.models))
    return Row(
        name=f"latency_p{percent}",
        value=waits.over_models(percent),
        unit="ms over the model time",
        baseline=models_ms,
        against="the models alone, for one event in process",
        goal=Goal(on="value", op="<=", x=GOALS_MS[percent]),
        details={
            "events": float(len(waits.through_kafka)),
            "events_per_s": RATE_HZ,
            "wait_ms_p50": float(np.percentile(waits.through_kafka, 50)),
            "wait_ms_p99": float(np.percentile(waits.through_kafka, 99)),
            "wait_ms_max": max(waits.through_kafka),
            "after_silence_ms_max": max(waits.after_silence),
            "models_ms_p99": float(np.percentile(waits.models, 99)),
        },
        series=[
            Series(
                kind="line",
                title="event to readable signal, idle worker",
                x="percentile",
                y="ms",
                lines={
                    "through Kafka": _percentiles(waits.through_kafka),
                    "the models alone": _percentiles(waits.models),
                },
            )
        ],
    )


def _percentiles(waits_ms: Sequence[float]) -> list[tuple[float, float]]:
    return [(each, float(np.percentile(waits_ms, each))) for each in PERCENTILES]


@cache
def _measured(plan: Plan) -> Waits:
    """Measured once for all rows of a plan."""
    settings = group_of(plan, "latency", signals=SIGNALS, protocol="classic")
    number = EVENTS_FIRST + plan.scaled(EVENTS)
    gaps_s = [*poisson_gaps_s(RATE_HZ, number / RATE_HZ), *SILENCES_S]
    pipeline, ours, models = plan.pipeline(SIGNALS), [], []
    with served(plan, settings), torch_threads(available_cores()):
        pipeline.warm_up()
        reader = _Reader(settings)
        for event, gap_s in zip(text_events(len(gaps_s), run="latency"), gaps_s, strict=True):
            time.sleep(gap_s)
            ours.append(_milliseconds(partial(reader.wait_for, event)))
            models.append(_milliseconds(partial(pipeline.run, [event])))
        reader.close()
    steady = slice(EVENTS_FIRST, -len(SILENCES_S))
    return Waits(
        through_kafka=ours[steady],
        after_silence=ours[-len(SILENCES_S) :],
        models=models[steady],
    )


def _milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return 1_000 * (time.perf_counter() - began)


class _Reader:
    """Sends events one at a time and reads what comes of them."""

    def __init__(self, settings: Settings) -> None:
        specs = load_specs(SIGNALS)
        self._specs = {name: specs[name] for name in SIGNALS}
        self._traffic = Traffic(settings)
        self._consumer = _at_the_end(settings.kafka, [signal_topic(name) for name in SIGNALS])

    def wait_for(self, event: ContentEvent) -> None:
        """Send the event and read on until all of its signals have come."""
        missing = len(expected_signals(event, self._specs))
        self._traffic.send([event])
        while missing:
            message = self._consumer.poll(ANSWER_S)
            if message is None:
                raise ServiceError(f"an event had no answer in {ANSWER_S:g} s")
            missing -= message.error() is None and message.key() == event.content_id.encode()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def _at_the_end(kafka: KafkaSettings, topics: Sequence[str]) -> Consumer:
    """A reader of what comes to these topics from now on."""
    own = {
        "group.id": f"bench-{uuid.uuid4().hex}",  # asked for; nothing is committed
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }
    consumer = Consumer(consumer_config(kafka, own))
    places = [
        TopicPartition(topic, number)
        for topic in topics
        for number in consumer.list_topics(topic, timeout=ANSWER_S).topics[topic].partitions
    ]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=ANSWER_S)[1]
    consumer.assign(places)
    return consumer
