"""Signals to bytes: those that the codec makes of their records, with less to do for each.

In Avro a record is its fields one after the other. So what all signals of an event say of it is
written once for all of them, and what all answers under a configuration say of that once for all of
those. What is left of a signal are its ids, its outcome and its own fields.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache, lru_cache
from io import BytesIO
from operator import attrgetter
from typing import Any

from fastavro import parse_schema, schemaless_writer

from earmark.processors.outcome import Provenance, Signal
from earmark.processors.schema import Schema, plain
from earmark.processors.wire import UNFIT, header, unfit

_OF_THE_EVENT = (
    *("content_id", "event_id", "revision", "event_time", "content_type", "tenant", "source"),
)
_OF_THE_ANSWER = ("language", "outcome", "reason", "replay_id")
ENVELOPE = ("signal_id", *_OF_THE_EVENT, *_OF_THE_ANSWER, "provenance")
_DIGEST, *_OF_THE_CONFIGURATION = (field.name for field in fields(Provenance))

_KEPT_EVENTS = 64  # of which the part is kept written; signals of an event come together
_KEPT = 1_024  # likewise of answers and configurations, of which there are few
_ONE = 64  # bytes of a string from which on its length takes more than one
_TWO = 8_192  # and more than two

_of_the_event = attrgetter(*_OF_THE_EVENT)
_of_the_configuration = attrgetter(*_OF_THE_CONFIGURATION)


class SignalWriter:
    """Writes signals of one topic, whose schema begins with the `ENVELOPE`."""

    def __init__(self, schema: Schema) -> None:
        of = {field["name"]: field for field in plain(schema.definition)["fields"]}
        of_provenance = {field["name"]: field for field in of["provenance"]["type"]["fields"]}
        self._topic = schema.topic
        self._finds_language = "declared_language" in of
        self._event = _keeping(of, _OF_THE_EVENT, _KEPT_EVENTS)
        self._answer = _keeping(of, _OF_THE_ANSWER, _KEPT)
        self._configuration = _keeping(of_provenance, _OF_THE_CONFIGURATION, _KEPT)
        self._own = _part(of[name] for name in of if name not in ENVELOPE)

    def encode(self, signal: Signal, schema_id: int) -> bytes:
        """The signal as a payload; a field of its own that is left out takes its default.

        Raises ContentError: RECORD_INVALID where a value does not fit its field.
        """
        event, result, provenance = signal.event, signal.result, signal.provenance
        language, own = event.language, result.fields
        if self._finds_language:
            language, own = own.get("language"), {**own, "declared_language": language}  # type: ignore[assignment]  # checked as it is written
        body = BytesIO()
        try:
            body.write(header(schema_id))
            body.write(_string(signal.signal_id))
            body.write(self._event(_of_the_event(event)))
            body.write(self._answer((language, result.outcome, result.reason, signal.replay_id)))
            body.write(_string(provenance.input_digest))
            body.write(self._configuration(_of_the_configuration(provenance)))
            schemaless_writer(body, self._own, own)
        except UNFIT as error:
            raise unfit(self._topic, error) from error
        return body.getvalue()


Write = Callable[[tuple[Any, ...]], bytes]


def _keeping(of: Mapping[str, Any], names: Iterable[str], number: int) -> Write:
    """What writes the values of these neighbouring fields, and keeps the last `number` of them.

    Signals that have these fields alike share it.
    """
    return _writer(json.dumps([_undocumented(of[name]) for name in names]), number)


@cache
def _writer(fields: str, number: int) -> Write:
    part = _part(json.loads(fields))
    names = [field["name"] for field in json.loads(fields)]

    @lru_cache(number)
    def written(values: tuple[Any, ...]) -> bytes:
        body = BytesIO()
        schemaless_writer(body, part, dict(zip(names, values, strict=True)))
        return body.getvalue()

    return written


def _undocumented(field: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in field.items() if name != "doc"}


def _part(of: Iterable[Mapping[str, Any]]) -> Any:
    """The schema of a record of these fields alone."""
    return parse_schema({"type": "record", "name": "Part", "fields": list(of)})


def _string(text: str) -> bytes:
    """The text as Avro has it, its length before it."""
    data = text.encode()
    length = len(data)
    if length < _ONE:
        return bytes((2 * length,)) + data
    if length < _TWO:
        return bytes((2 * length & 127 | 128, length >> 6)) + data
    body = BytesIO()
    schemaless_writer(body, "string", text)
    return body.getvalue()
