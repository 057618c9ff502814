"""What is encoded is decoded as it was; whatever else comes is an error of one kind."""

import json
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.error import ModelError
from earmark.processors.codec import (
    EVENT_ITEMS,
    RECORD_BYTES,
    Codec,
    decode_event,
    encode_event,
    encode_rejection,
    encode_signal,
    jsonable,
    rejection_record,
    signal_record,
)
from earmark.processors.content import Audio, ContentEvent, Text, text_errors
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import OutcomeKind, Provenance, Rejection, Result, Signal
from earmark.processors.schema import REJECTIONS, newest, schema_of, schemas

SIGNALS = [schema for schema in newest(schemas()).values() if schema.is_signal]


strings = st.text(max_size=20)
longs = st.integers(-(2**63), 2**63 - 1)
audios = st.builds(
    Audio,
    uri=st.none() | strings,
    data=st.none() | st.binary(max_size=50),
    media_type=st.none() | strings,
    size_bytes=st.none() | longs,
    sha256=st.none() | strings,
)
texts = st.builds(Text, field=strings, text=strings, language=st.none() | strings)
events = st.builds(
    ContentEvent,
    event_id=strings,
    content_id=strings,
    revision=longs,
    content_type=strings,
    change=strings,
    event_time=longs,
    source=strings,
    tenant=strings,
    language=st.none() | strings,
    regions=st.lists(strings, max_size=3).map(tuple),
    priority=st.integers(-(2**31), 2**31 - 1),
    attributes=st.dictionaries(strings, strings, max_size=3),
    audio=st.none() | audios,
    texts=st.lists(texts, max_size=3).map(tuple),
)
errors = st.builds(ContentError, st.sampled_from(RejectionClass), strings, part=strings)

EVENT = ContentEvent(event_id="e", content_id="c", texts=(Text(field="title", text="Grüße 🎙"),))
PROVENANCE = Provenance(
    input_digest="1c" * 32,
    model_name="m",
    model_version="1",
    model_sha256=None,
    preprocessing_version="1",
    taxonomy=None,
    taxonomy_version=None,
    thresholds_version=None,
    config_hash="7e" * 32,
    pipeline_version="0",
    device="cpu",
    precision="fp32",
)


def values_of(schema: Any) -> st.SearchStrategy[Any]:
    """Values that fit an Avro type."""
    match schema:
        case list():
            return st.one_of([values_of(branch) for branch in schema])
        case {"type": "record", "fields": fields}:
            return st.fixed_dictionaries({f["name"]: values_of(f["type"]) for f in fields})
        case {"type": "array", "items": within}:
            return st.lists(values_of(within), max_size=3)
        case {"type": "map", "values": within}:
            return st.dictionaries(strings, values_of(within), max_size=3)
        case {"type": within}:
            return values_of(within)
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "int": st.integers(-(2**31), 2**31 - 1),
        "long": longs,
        "double": st.floats(allow_nan=False),
        "bytes": st.binary(max_size=20),
        "string": strings,
    }[schema]


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    schema = draw(st.sampled_from(SIGNALS))
    names = [field["name"] for field in schema.definition["fields"]]
    own = schema.definition["fields"][names.index("provenance") + 1 :]
    fields = {field["name"]: draw(values_of(field["type"])) for field in own}
    outcome = draw(st.sampled_from(OutcomeKind))
    return Signal(
        name=schema.name.removeprefix("signals."),
        major=schema.major,
        signal_id=draw(strings),
        event=draw(events),
        result=Result(outcome=outcome, reason=draw(st.none() | strings), fields=fields),
        provenance=PROVENANCE,
        replay_id=draw(st.none() | strings),
    )


def signal(name: str, result: Result, event: ContentEvent = EVENT) -> Signal:
    return Signal(
        name=name, major=1, signal_id="id", event=event, result=result, provenance=PROVENANCE
    )


def read(topic: str, payload: bytes) -> dict[str, Any]:
    return Codec(schema_of(topic)).decode(payload)


@given(event=events)
def test_any_event_comes_back_as_it_was(event: ContentEvent) -> None:
    assert decode_event(encode_event(event, 1)) == event


@given(signal=signals())
def test_any_signal_comes_back_as_its_record(signal: Signal) -> None:
    assert read(signal.topic, encode_signal(signal, 1)) == signal_record(signal)


@given(event=st.none() | events, error=errors)
def test_any_rejection_comes_back_as_its_record(
    event: ContentEvent | None, error: ContentError
) -> None:
    rejection = Rejection(event=event, error=error)
    payload = encode_rejection(rejection, 1, topic="t", partition=0, offset=7)
    assert read(REJECTIONS, payload) == rejection_record(
        rejection, topic="t", partition=0, offset=7
    )


def read_or_refused(payload: bytes) -> bool:
    """Whether it is an event, or what is wrong with it is said of the record."""
    try:
        return isinstance(decode_event(payload), ContentEvent)
    except ContentError as error:
        return error.part == "record" and error.rejection_class.startswith("RECORD_")


@given(payload=st.binary(max_size=300))
def test_any_bytes_are_an_event_or_a_content_error(payload: bytes) -> None:
    assert read_or_refused(payload)
    assert read_or_refused(b"\0\0\0\0\1" + payload)


@given(event=events, cut=st.integers(0, 400), put=st.binary(max_size=12), data=st.data())
def test_a_damaged_event_is_an_event_or_a_content_error(
    event: ContentEvent, cut: int, put: bytes, data: st.DataObject
) -> None:
    payload = encode_event(event, 1)
    at = data.draw(st.integers(5, len(payload)))
    assert read_or_refused(payload[:at] + put + payload[at + cut :])


@given(event=events)
def test_a_truncated_event_is_undecodable(event: ContentEvent) -> None:
    with pytest.raises(ContentError) as caught:
        decode_event(encode_event(event, 1)[:-1])
    assert caught.value.rejection_class is RejectionClass.RECORD_UNDECODABLE


def test_payloads_are_in_confluents_wire_format() -> None:
    assert encode_event(EVENT, 258)[:5] == b"\x00\x00\x00\x01\x02"


def test_a_text_with_a_lone_surrogate_is_readable_and_found_to_be_no_text() -> None:
    good = replace(EVENT, texts=(Text(field="title", text="abc"), Text(field="lyrics", text="la")))
    payload = encode_event(good, 1).replace(b"abc", b"\xed\xa0\x80")
    event = decode_event(payload)
    assert event.texts[0].text == "\ud800"
    assert list(text_errors(event)) == ["title"]


def test_an_event_of_too_many_texts_is_invalid() -> None:
    texts = tuple(Text(field=str(i), text="") for i in range(EVENT_ITEMS + 1))
    with pytest.raises(ContentError, match="1,001 texts") as caught:
        decode_event(encode_event(replace(EVENT, texts=texts), 1))
    assert caught.value.rejection_class is RejectionClass.RECORD_INVALID


def test_ten_megabytes_of_one_letter_are_refused_on_writing() -> None:
    with pytest.raises(ContentError) as caught:
        encode_event(replace(EVENT, texts=(Text(field="title", text="a" * 10_000_000),)), 1)
    assert caught.value.rejection_class is RejectionClass.RECORD_TOO_LARGE


def test_an_event_that_does_not_fit_its_schema_is_refused_on_writing() -> None:
    with pytest.raises(ContentError) as caught:
        encode_event(replace(EVENT, texts=(Text(field="title", text="\ud800"),)), 1)
    assert caught.value.rejection_class is RejectionClass.RECORD_INVALID


def test_a_record_without_answer_is_the_envelope_and_empty_fields() -> None:
    record = signal_record(signal("text.safety", Result.abstained("LANGUAGE_UNSUPPORTED")))
    assert record["outcome"] == "ABSTAINED"
    assert record["reason"] == "LANGUAGE_UNSUPPORTED"
    assert (record["scores"], record["labels"], record["severity"]) == ({}, [], None)
    assert read("signals.text.safety.v1", encode_signal(signal("text.safety", Result.ok()), 1))


def test_records_do_not_share_their_empty_fields() -> None:
    first = signal_record(signal("text.safety", Result.ok()))
    first["labels"].append("profanity")
    assert signal_record(signal("text.safety", Result.ok()))["labels"] == []


def test_the_language_is_the_declared_one_unless_the_signal_finds_it() -> None:
    event = replace(EVENT, language="de")
    loudness = signal_record(signal("audio.loudness", Result.ok(), event))
    found = signal_record(signal("text.language", Result.ok(language="en"), event))
    abstained = signal_record(signal("text.language", Result.abstained("TOO_SHORT"), event))
    assert loudness["language"] == "de"
    assert (found["language"], found["declared_language"]) == ("en", "de")
    assert (abstained["language"], abstained["declared_language"]) == (None, "de")


def test_an_answer_too_large_for_kafka_becomes_an_error_record() -> None:
    vectors = [{"field": "title", "vector": bytes(RECORD_BYTES)}]
    payload = encode_signal(signal("text.embedding", Result.ok(vectors=vectors)), 1)
    record = read("signals.text.embedding.v1", payload)
    assert (record["outcome"], record["reason"]) == ("ERROR", "RECORD_TOO_LARGE")
    assert (record["content_id"], record["vectors"]) == ("c", [])


@pytest.mark.parametrize("fields", [{"loudness": 1.0}, {"integrated_lufs": "loud"}])
def test_fields_that_the_schema_does_not_have_or_hold_are_the_scorers_fault(
    fields: dict[str, object],
) -> None:
    with pytest.raises(ModelError, match=r"signals\.audio\.loudness\.v1"):
        encode_signal(signal("audio.loudness", Result.ok(**fields)), 1)


def test_a_rejection_of_an_event_without_end_or_sense_can_be_written() -> None:
    event = replace(EVENT, content_id="\ud800" * 1_000_000, tenant="t" * 1_000_000)
    error = ContentError(RejectionClass.RECORD_INVALID, "x" * 1_000_000, part="\udfff")
    payload = encode_rejection(Rejection(event=event, error=error), 1)
    assert len(payload) < RECORD_BYTES
    assert read(REJECTIONS, payload)["part"] == "\\udfff"


def test_records_become_json() -> None:
    vector = struct.pack("<2f", 0.5, -0.5)
    result = Result.ok(dim=2, vectors=[{"field": "title", "vector": vector}])
    record = jsonable(signal_record(signal("text.embedding", result)))
    assert json.loads(json.dumps(record))["vectors"][0]["vector"] == "AAAAPwAAAL8="
    assert jsonable({"lufs": float("-inf"), "peak": (1.5,)}) == {"lufs": None, "peak": [1.5]}


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128, 8_191, 8_192, 20_000])
def test_signals_are_written_as_their_records_are_whatever_their_ids(length: int) -> None:
    odd = replace(signal("text.safety", Result.ok()), signal_id="x" * length)
    written = Codec(schema_of(odd.topic)).encode(signal_record(odd), 1)
    assert encode_signal(odd, 1) == written


def test_signals_of_other_events_and_configurations_are_written_as_such() -> None:
    for revision in (1, 2):
        for device in ("cpu", "cuda"):
            odd = replace(
                signal("text.safety", Result.ok(), replace(EVENT, revision=revision)),
                provenance=replace(PROVENANCE, device=device),
            )
            written = Codec(schema_of(odd.topic)).encode(signal_record(odd), 1)
            assert encode_signal(odd, 1) == written
