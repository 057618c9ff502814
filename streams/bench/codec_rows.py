"""Signals to bytes and back, on one core.

The work of `codec_encode` and `codec_decode` is a round over all signals, each its golden record,
the embedding grown to its real size and each of another event. That of `codec_small` is events as
they are answered, one after the other, with all of their signals but the transcript; that of
`codec_transcript` the transcripts of one minute of speech, twelve segments each. Encoding begins at
the `Signal`, decoding ends at the record; the baseline is confluent-kafka's serializer with the
same schemas and the same function from signal to record.

What bounds encoding: of the 7 to 14 us of a signal, fastavro's writer takes two thirds for its own
fields, most of that for unions, whose branches it tries one by one; the ids take 1 us, looking up
what is written already of event and configuration 2 us. The envelope written anew for each signal,
as the baseline does, was two thirds of 17 to 22 us. Of a transcript each segment takes 2 to 3 us.
Reading, the baseline spends more than half of its time on walking the schema for tags.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from earmark.processors.codec import Codec, encode_signal, signal_record
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import OutcomeKind, Provenance, Result, Signal
from earmark.processors.release import golden_record
from earmark.processors.schema import Schema, avro_folder, newest, schema_of, schemas
from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates
from earmark.streams.bench.row import Goal, Row, row_of_turns

ROUNDS = 1_200  # over all signals
EVENTS = 24  # whose signals are encoded, again and again
SEGMENTS = 12  # of a minute of speech
SEGMENT_CODE_POINTS = 75  # about thirteen words in five seconds
EMBEDDED = ("title", "description")  # fields that have a vector
DIMENSIONS = 256
SCHEMA_ID = 1  # what a registry in memory gives first
SEED = 1

_OF_THE_EVENT = (
    *("event_id", "content_id", "revision", "event_time", "content_type", "tenant", "source"),
    "language",
)
_ENVELOPE = {*_OF_THE_EVENT, "signal_id", "outcome", "reason", "replay_id", "provenance"}


def codec_encode(plan: Plan) -> Row:
    """Signals encoded per second, the building of their records included."""
    return _encoding(plan, "codec_encode", sample_signals(), rounds=ROUNDS, goal=40_000)


def codec_small(plan: Plan) -> Row:
    """Signals encoded per second as a worker has them: those of an event together."""
    return _encoding(plan, "codec_small", small_signals(), rounds=ROUNDS // EVENTS, goal=60_000)


def codec_transcript(plan: Plan) -> Row:
    """Transcripts of a minute encoded per second."""
    return _encoding(plan, "codec_transcript", transcripts(), rounds=ROUNDS, goal=20_000)


def _encoding(plan: Plan, name: str, signals: Sequence[Signal], *, rounds: int, goal: int) -> Row:
    writers = {topic: serializer(schema_of(topic)) for topic in {s.topic for s in signals}}
    rounds = plan.scaled(rounds)

    def ours() -> None:
        for _ in range(rounds):
            for signal in signals:
                encode_signal(signal, SCHEMA_ID)

    def theirs() -> None:
        for _ in range(rounds):
            for signal in signals:
                writers[signal.topic](signal)

    figures = _rates(plan, ours, theirs, amount=rounds * len(signals))
    payloads = [encode_signal(signal, SCHEMA_ID) for signal in signals]
    return row_of_turns(
        name,
        *figures,
        unit="signals/s per core",
        against="confluent-kafka's AvroSerializer",
        goal=Goal(on="value", op=">=", x=goal),
        details={"bytes_per_signal": statistics.fmean(map(len, payloads))},
    )


def codec_decode(plan: Plan) -> Row:
    """Signals decoded per second."""
    payloads = [(signal.topic, encode_signal(signal, SCHEMA_ID)) for signal in sample_signals()]
    codecs = {topic: Codec(schema_of(topic)) for topic, _ in payloads}
    readers = {topic: deserializer(schema_of(topic)) for topic, _ in payloads}
    rounds = plan.scaled(ROUNDS)

    def ours() -> None:
        for _ in range(rounds):
            for topic, payload in payloads:
                codecs[topic].decode(payload)

    def theirs() -> None:
        for _ in range(rounds):
            for topic, payload in payloads:
                readers[topic](payload)

    figures = _rates(plan, ours, theirs, amount=rounds * len(payloads))
    return row_of_turns(
        "codec_decode",
        *figures,
        unit="signals/s per core",
        against="confluent-kafka's AvroDeserializer",
    )


def sample_signals() -> list[Signal]:
    """One signal of each kind."""
    return [_grown(_golden(schema)) for schema in newest(schemas()).values() if schema.is_signal]


def small_signals() -> list[Signal]:
    """The signals of some events, those of each together, but for transcripts."""
    return [
        replace(signal, event=event, signal_id=f"{number:032x}")
        for number, event in enumerate(text_events(EVENTS, run="codec"))
        for signal in sample_signals()
        if signal.name != "audio.transcript"
    ]


def transcripts() -> list[Signal]:
    """Transcripts of a minute, of some events."""
    (signal,) = (each for each in sample_signals() if each.name == "audio.transcript")
    said = [event.texts[1].text for event in text_events(SEGMENTS, run="codec")]
    segments = [
        {
            "start_ms": 5_000 * number,
            "end_ms": 5_000 * (number + 1),
            "text": text[:SEGMENT_CODE_POINTS],
            "avg_logprob": -0.25,
            "no_speech_prob": 0.05,
            "compression_ratio": 1.25,
        }
        for number, text in enumerate(said)
    ]
    text = " ".join(str(segment["text"]) for segment in segments)
    result = Result.ok(**{**signal.result.fields, "text": text, "segments": segments})
    return [
        replace(signal, event=event, result=result) for event in text_events(EVENTS, run="codec")
    ]


def _golden(schema: Schema) -> Signal:
    """The signal whose record is the golden one of the schema."""
    record = dict(golden_record(avro_folder(), schema))
    own = {name: value for name, value in record.items() if name not in _ENVELOPE}
    if "declared_language" in own:  # the signal finds the language itself
        own["language"] = record["language"]
        record["language"] = own.pop("declared_language")
    return Signal(
        name=schema.name.removeprefix("signals."),
        major=schema.major,
        signal_id=record["signal_id"],
        event=ContentEvent(**{name: record[name] for name in _OF_THE_EVENT}),
        result=Result(outcome=OutcomeKind(record["outcome"]), reason=record["reason"], fields=own),
        provenance=Provenance(**record["provenance"]),
        replay_id=record["replay_id"],
    )


def _grown(signal: Signal) -> Signal:
    """The signal with vectors of the size that they have at work."""
    if signal.name != "text.embedding":
        return signal
    random = np.random.default_rng(SEED)
    vectors = [
        {"field": field, "vector": random.standard_normal(DIMENSIONS, np.float32).tobytes()}
        for field in EMBEDDED
    ]
    result = Result.ok(**{**signal.result.fields, "dim": DIMENSIONS, "vectors": vectors})
    return replace(signal, result=result)


def serializer(schema: Schema) -> Callable[[Signal], bytes | None]:
    """Writes signals of one schema as confluent-kafka does, by our function to their record."""
    context = SerializationContext(schema.topic, MessageField.VALUE)
    write = AvroSerializer(
        _registry_with(schema), schema.text, lambda signal, _: signal_record(signal)
    )
    return lambda signal: write(signal, context)


def deserializer(schema: Schema) -> Callable[[bytes | None], object]:
    """Reads records of one schema as confluent-kafka does."""
    context = SerializationContext(schema.topic, MessageField.VALUE)
    read = AvroDeserializer(_registry_with(schema), schema.text)
    return lambda payload: read(payload, context)


def _registry_with(schema: Schema) -> SchemaRegistryClient:
    """A registry in memory, so that the baseline waits for no network."""
    client = SchemaRegistryClient.new_client({"url": "mock://bench"})
    client.register_schema(schema.subject, RegistrySchema(schema.text, "AVRO"))
    return client


def _rates(
    plan: Plan, ours: Callable[[], None], theirs: Callable[[], None], *, amount: int
) -> tuple[list[float], list[float]]:
    return rates(
        Work(run=ours, amount=amount),
        Work(run=theirs, amount=amount),
        repetitions=plan.repetitions,
        clock=time.process_time,
    )
