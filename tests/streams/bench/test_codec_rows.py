"""The codec is measured on real signals, and the baseline writes the same bytes."""

import pytest

from earmark.processors.codec import Codec, encode_signal, signal_record
from earmark.processors.outcome import Signal
from earmark.processors.schema import schema_of, schemas
from earmark.processors.wire import HEADER_BYTES
from earmark.streams.bench.codec_rows import SCHEMA_ID, deserializer, sample_signals, serializer

SIGNALS = sample_signals()


def test_there_is_a_signal_of_every_kind() -> None:
    assert {s.topic for s in SIGNALS} == {s.topic for s in schemas() if s.is_signal}


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_sample_signal_comes_back_whole(signal: Signal) -> None:
    payload = encode_signal(signal, 1)
    assert Codec(schema_of(signal.topic)).decode(payload) == signal_record(signal)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_the_baseline_writes_the_same_bytes(signal: Signal) -> None:
    theirs = serializer(schema_of(signal.topic))(signal) or b""
    assert theirs[HEADER_BYTES:] == encode_signal(signal, SCHEMA_ID)[HEADER_BYTES:]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_the_baseline_reads_what_we_write(signal: Signal) -> None:
    schema = schema_of(signal.topic)
    record = deserializer(schema)(encode_signal(signal, SCHEMA_ID))
    assert isinstance(record, dict)
    assert record["signal_id"] == signal.signal_id
