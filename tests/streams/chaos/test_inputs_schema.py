"""Other writers' schemas: some are read, all others are refused, and none does harm."""

from collections import Counter

import numpy as np

from earmark.processors.codec import decode_event, encode_event, event_codec, event_record
from earmark.processors.content import Text
from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.chaos.inputs_event import framed, named
from earmark.streams.chaos.inputs_mutation import AVRO, mutated
from earmark.streams.chaos.inputs_schema import body, edited, schemas_in
from earmark.streams.chaos.inputs_seed import Seed

EVENT = named("c", texts=(Text(field="title", text="The river runs"),))
EMPTY = Seed(name="empty", data=b"")
OURS = encode_event(EVENT, 1)[5:]


def read(seed: int) -> str:
    """What comes of a record by an edited schema, damaged or not."""
    random = np.random.default_rng(seed)
    definition = edited(random)
    written = body(random, definition, event_record(EVENT)) or OURS
    if seed % 2:
        written, _ = mutated(random, written, OURS, AVRO)
    try:
        return decode_event(framed(1, written), event_codec(lambda _: definition)).content_id
    except ContentError as error:
        return error.rejection_class


def test_records_by_other_schemas_are_read_or_rejected_with_a_reason() -> None:
    found = Counter(read(seed) for seed in range(600))
    assert found["c"] > 10
    assert found.keys() >= {
        RejectionClass.RECORD_SCHEMA_UNKNOWN,
        RejectionClass.RECORD_UNDECODABLE,
        RejectionClass.RECORD_INVALID,
    }


def test_what_of_ones_own_files_is_json_may_be_a_schema() -> None:
    found = [Seed(name="a", data=b'"string"'), Seed(name="b", data=b"Obj\x01"), EMPTY]
    assert schemas_in(found) == ["string"]
