"""Records as Earmark publishes them, of every outcome: golden ones, and what follows from them.

An OK record is the golden record of its schema. In one of another outcome the signal's own fields
are null or empty, but for those that the signal fills all the same; `outcome.toml` lists them with
the reasons. All went through the Avro codec, so that a test meets what a subscriber meets.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.models.plugin import resources
from earmark.processors.compatibility import ENVELOPE_END
from earmark.processors.release import golden_record
from earmark.processors.schema import Schema, avro_folder, newest, schemas
from earmark.processors.wire import Codec, Record
from earmark.streams.header import cloud_event_headers

OUTCOMES = ("OK", "ABSTAINED", "SKIPPED", "ERROR")
DELETED = "DELETED"  # no outcome: a record without a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One record of a topic; `record` is None where it says that the item was deleted."""

    name: str
    topic: str
    key: str
    record: Mapping[str, Any] | None
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def outcome(self) -> str | None:
        """OK, ABSTAINED, SKIPPED, ERROR or DELETED; None of what is no signal."""
        return DELETED if self.record is None else self.record.get("outcome")


def records(name: str, outcome: str | None = None, **changes: Any) -> tuple[Sample, ...]:
    """Records of a signal (`text.safety`) or a topic, one for each reason that it may give.

        for sample in records("text.safety", outcome="ABSTAINED", content_id="ep-1"):
            bus.publish(sample)

    `outcome` is OK, ABSTAINED, SKIPPED, ERROR or DELETED; None: all of them. `changes` replace
    fields of the record. Raises ConfigurationError for a name, an outcome or a field that there is
    not, and ContentError for a value that does not fit the schema.
    """
    schema = schema_named(name)
    if not schema.is_signal:
        return _of_others(schema, outcome, changes)
    if outcome is not None and outcome not in (*OUTCOMES, DELETED):
        known = ", ".join((*OUTCOMES, DELETED))
        raise ConfigurationError(f"unknown outcome {outcome!r}: name one of {known}")
    wanted = (*OUTCOMES, DELETED) if outcome is None else (outcome,)
    return tuple(sample for each in wanted for sample in _of_outcome(schema, each, changes))


def record(name: str, outcome: str = "OK", **changes: Any) -> Record:
    """The first of `records` as a dict of its fields; empty for DELETED."""
    return dict(records(name, outcome, **changes)[0].record or {})


def signal_names() -> tuple[str, ...]:
    """All signals, those of other packages included: `audio.loudness`, ..."""
    topics = newest(schemas()).values()
    return tuple(schema.name.removeprefix("signals.") for schema in topics if schema.is_signal)


def schema_named(name: str) -> Schema:
    """The newest schema of a signal or a topic; raises ConfigurationError if there is none."""
    for topic, schema in newest(schemas()).items():
        if name in {topic, schema.name, schema.name.removeprefix("signals.")}:
            return schema
    known = ", ".join((*signal_names(), *(t for t in newest(schemas()) if "signals." not in t)))
    raise ConfigurationError(f"there are no records of {name!r}; known: {known}")


def checked(made: Record, schema: Schema) -> Record:
    """The record itself; raises ConfigurationError for a field that the schema does not have.

    Avro's writer would leave it out without a word.
    """
    if strange := made.keys() - {field["name"] for field in schema.definition["fields"]}:
        raise ConfigurationError(f"{schema.topic} has no field {sorted(strange)[0]}")
    return made


def golden(schema: Schema) -> Record:
    """The golden record of a version, as one reads it who has that version."""
    for folder in (avro_folder(), *resources("avro")):
        if folder.joinpath(*schema.path.split("/")).is_file():
            return deepcopy(dict(golden_record(folder, schema)))
    raise ConfigurationError(f"{schema.path}: its golden record did not come along")


def _of_outcome(schema: Schema, outcome: str, changes: Mapping[str, Any]) -> Iterator[Sample]:
    full = golden(schema)
    if outcome == DELETED:
        yield _sample(schema, None, key=str(changes.get("content_id", full["content_id"])))
        return
    for reason, kept in _reasons(schema, outcome).items():
        made = full if outcome == "OK" else _bare(schema, full, kept)
        made = {**made, "outcome": outcome, "reason": reason or None}
        if outcome == "ABSTAINED":
            made |= _table().get(_short(schema), {}).get("sets", {})
        yield _finished(schema, made, changes)


def _of_others(
    schema: Schema, outcome: str | None, changes: Mapping[str, Any]
) -> tuple[Sample, ...]:
    """The golden record of what is no signal: a rejection, an event, a profile."""
    if outcome not in (None, "OK"):
        raise ConfigurationError(f"{schema.topic} has no outcomes")
    return (_finished(schema, golden(schema), changes),)


def _finished(schema: Schema, made: Record, changes: Mapping[str, Any]) -> Sample:
    made = checked({**made, **changes}, schema)
    if schema.is_signal and "signal_id" not in changes:
        made["signal_id"] = _signal_id(schema, made)
    codec = Codec(schema)
    read = codec.decode(codec.encode(made, 0))
    return _sample(schema, read, key=str(read.get("content_id") or ""))


def _sample(schema: Schema, read: Record | None, *, key: str) -> Sample:
    return Sample(
        name=_short(schema) if schema.is_signal else schema.topic,
        topic=schema.topic,
        key=key,
        record=read,
        headers={} if read is None else _headers(schema, read),
    )


def _headers(schema: Schema, read: Record) -> dict[str, bytes]:
    event = str(read.get("event_id") or "")
    headers = cloud_event_headers(
        ce_id=f"{read['signal_id']}/{event}" if schema.is_signal else event,
        ce_source=str(read.get("source") or ""),
        ce_type=schema.topic,
        time_ms=int(read.get("event_time") or 0),
    )
    return {name: value for name, value in headers if isinstance(value, bytes)}


def _bare(schema: Schema, full: Record, kept: Sequence[str]) -> Record:
    """The envelope, and of the signal's own fields only those that are kept."""
    fields = schema.definition["fields"]
    ends = [field["name"] for field in fields].index(ENVELOPE_END) + 1
    own = {each["name"]: each["default"] for each in fields[ends:] if each["name"] not in kept}
    if "declared_language" in own:  # `language` is then what was found
        own |= {"declared_language": full["declared_language"], "language": None}
    return full | deepcopy(own)


def _reasons(schema: Schema, outcome: str) -> Mapping[str, Sequence[str]]:
    """By reason the fields that are filled all the same; no reason where it is OK."""
    if outcome == "OK":
        return {"": ()}
    if outcome == "ERROR":
        modality = _short(schema).partition(".")[0]
        every: Sequence[str] = _table()["ERROR"].get(modality, _table()["ERROR"]["content"])
        return dict.fromkeys(every, ())
    of_signal = _table().get(_short(schema), {}).get(outcome)
    return of_signal or {_table()["otherwise"][outcome]: ()}


def _signal_id(schema: Schema, made: Record) -> str:
    """As `earmark.processors.identity.signal_id`, which brings torch along."""
    provenance = made["provenance"]
    of_input = (provenance["input_digest"], provenance["config_hash"])
    parts = (str(made["content_id"]), _short(schema), str(schema.major), *of_input)
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _short(schema: Schema) -> str:
    return schema.name.removeprefix("signals.")


@cache
def _table() -> Mapping[str, Any]:
    text = (files(__package__) / "outcome.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
