"""A redacted twin says all that its record says but what people said and wrote."""

import json

import pytest

from earmark.processors.loader import load_specs
from earmark.processors.schema import avro_folder, schema_of
from earmark.processors.signal_card import Access, signal_card
from earmark.processors.twin import twin, twinned_signals
from earmark.processors.wire import Codec

SECRET = "Maria lives in Ghent"


def golden(name: str) -> dict:
    path = f"golden/signals/{name}.v1.bin"
    data = avro_folder().joinpath(path).read_bytes()
    header = b"\0" + (1).to_bytes(4, "big")
    return Codec(schema_of(f"signals.{name}.v1")).decode(header + data)


@pytest.mark.parametrize("name", twinned_signals())
def test_a_twin_has_every_field_of_its_record_and_can_be_written(name: str) -> None:
    record, codec = golden(name), Codec(schema_of(f"signals.{name}.v1"))
    less = codec.decode(codec.encode(twin(name, record), 1))
    assert less.keys() == record.keys()
    for field in ("signal_id", "outcome", "provenance", "content_id"):
        assert less[field] == record[field]


def test_of_a_transcript_the_times_stay_and_the_words_go() -> None:
    record = golden("audio.transcript")
    record |= {"text": SECRET, "segments": [{**it, "text": SECRET} for it in record["segments"]]}
    less = twin("audio.transcript", record)
    assert SECRET not in json.dumps(less, default=str)
    assert [it["start_ms"] for it in less["segments"]] == [
        it["start_ms"] for it in record["segments"]
    ]
    assert twin("audio.transcript", {**record, "text": None})["text"] is None


def test_of_personal_data_kinds_and_places_stay_and_the_texts_go() -> None:
    record = golden("text.pii") | {"redacted": [{"field": "title", "text": SECRET}]}
    less = twin("text.pii", record)
    assert SECRET not in json.dumps(less, default=str)
    assert (less["kinds"], less["spans"]) == (record["kinds"], record["spans"])


def test_what_has_a_twin_is_personal_data_by_its_card() -> None:
    assert set(twinned_signals()) <= load_specs().keys()
    assert {signal_card(name).access for name in twinned_signals()} == {Access.PERSONAL}
