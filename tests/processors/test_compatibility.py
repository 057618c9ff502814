"""Each rule finds what breaks it, and nothing else."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.compatibility import compatibility_findings
from earmark.processors.schema import Schema, fields_of, schema_of, schemas

Definition = dict[str, Any]
Edit = Callable[[Any], object]

SAFETY: Definition = json.loads(schema_of("signals.text.safety.v1").text)
EVENT: Definition = json.loads(schema_of("content.events.v1").text)
MOOD = {"name": "mood", "type": ["null", "string"], "doc": "How it feels.", "default": None}


def version(definition: Definition, minor: int = 0, *, topic: str = "signals.text.x.v1") -> Schema:
    suffix = f".{minor}" if minor else ""
    return Schema(
        path=f"{topic}{suffix}.avsc",
        topic=topic,
        major=1,
        minor=minor,
        text=json.dumps(definition),
    )


def field(definition: Definition, path: str) -> Any:
    return next(field for at, field in fields_of(definition) if at == path)


def put(path: str, **changes: object) -> Edit:
    return lambda definition: field(definition, path).update(changes)


def drop(path: str, *keys: str) -> Edit:
    return lambda definition: [field(definition, path).pop(key) for key in keys]


def span(definition: Definition) -> Any:
    return field(definition, "spans")["type"]["items"]


def edited(definition: Definition, edit: Edit) -> Definition:
    copy = deepcopy(definition)
    edit(copy)
    return copy


def findings(*versions: Schema) -> str:
    return "\n".join(compatibility_findings(versions))


def add_mood(definition: Definition) -> None:
    definition["fields"].append(MOOD)


def test_what_is_shipped_keeps_every_rule() -> None:
    assert findings(*schemas()) == ""


def test_a_version_that_adds_a_field_with_a_default_keeps_every_rule() -> None:
    assert findings(version(SAFETY), version(edited(SAFETY, add_mood), 1)) == ""


MICROS = {"type": "long", "logicalType": "timestamp-micros"}


@pytest.mark.parametrize(
    ("finding", "edit"),
    [
        ("severity has no doc", drop("severity", "doc")),
        ("spans.start has no doc", drop("spans.start", "doc")),
        ("record SafetySpan has no doc", lambda d: span(d).pop("doc")),
        ("isBad is not in snake_case", put("severity", name="isBad")),
        ("record text_safety is not in PascalCase", lambda d: d.update(name="text_safety")),
        (
            "outcome is an enum",
            put("outcome", type={"type": "enum", "name": "O", "symbols": ["OK"]}),
        ),
        ("event_time has the logical type timestamp-micros", put("event_time", type=MICROS)),
        ("reason may be null, so its default should be null", drop("reason", "default")),
        (
            "reason is a union other than null and",
            put("reason", type=["string", "null"], default=""),
        ),
        ("severity should be null or empty by default", put("severity", type="int", default=0)),
        ("has no field provenance", put("provenance", name="origin")),
        (
            "has the value MAYBE, which its doc does not name",
            put("outcome", values=["OK", "MAYBE"]),
        ),
    ],
)
def test_a_schema_on_its_own(finding: str, edit: Edit) -> None:
    assert finding in findings(version(edited(SAFETY, edit)))


@pytest.mark.parametrize(
    ("finding", "edit"),
    [
        ("cannot read", drop("mood", "default")),
        ("severity has another type", put("severity", type=["null", "long"])),
        ("labels has another type", put("labels", type={"type": "array", "items": "bytes"})),
        ("spans has another type", lambda d: span(d).update(name="Range")),
        ("severity has another default", put("severity", default=3)),
        ("event_time has another logical type", put("event_time", type=MICROS)),
        ("event_time has another logical type", put("event_time", type="long")),
        ("outcome has another list of values", put("outcome", values=["OK", "ERROR"])),
        ("severity of signals.text.x.v1.avsc is gone", put("severity", name="gravity")),
        ("is of another record", lambda d: d.update(namespace="other")),
    ],
)
def test_a_later_version(finding: str, edit: Edit) -> None:
    newer = edited(edited(SAFETY, add_mood), edit)
    assert finding in findings(version(SAFETY), version(newer, 1))


def test_docs_change_only_together_with_a_field() -> None:
    reworded = edited(SAFETY, put("severity", doc="How bad, 0 to 7."))
    assert "adds no field" in findings(version(SAFETY), version(reworded, 1))
    assert findings(version(SAFETY), version(edited(reworded, add_mood), 1)) == ""


def test_versions_are_compared_with_all_before_them() -> None:
    second = edited(SAFETY, add_mood)
    third = edited(SAFETY, lambda d: d["fields"].append(MOOD | {"name": "pace"}))
    found = findings(version(SAFETY), version(second, 1), version(third, 2))
    assert "mood of signals.text.x.v1.1.avsc is gone" in found


def test_versions_are_numbered_without_gaps() -> None:
    found = findings(version(SAFETY), version(edited(SAFETY, add_mood), 2))
    assert "version 1.1 of signals.text.x.v1 is missing" in found


def test_the_envelope_is_the_same_in_all_signals() -> None:
    other = edited(SAFETY, put("tenant", doc="The tenant."))
    found = findings(version(SAFETY), version(other, topic="signals.text.y.v1"))
    assert "envelope differs from that of signals.text.x.v1.avsc in tenant" in found


def test_inputs_are_held_to_the_same_rules() -> None:
    older = version(EVENT, topic="content.events.v1")
    newer = edited(EVENT, put("revision", type="int"))
    found = findings(older, version(newer, 1, topic="content.events.v1"))
    assert "content.events.v1.1.avsc cannot read content.events.v1.avsc" in found


def test_a_file_that_is_no_avro_schema_is_named() -> None:
    wrong = edited(SAFETY, put("severity", type=["null", "integer"]))
    with pytest.raises(ConfigurationError, match=r"signals\.text\.x\.v1\.avsc"):
        findings(version(wrong))
