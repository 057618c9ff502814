"""Differences of schemas are told in words, and those that break readers are told apart."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from earmark.processors.schema import Schema, schema_of
from earmark.processors.schema_change import DOCS_ALONE, Comparison, comparison, comparisons

SAFETY = schema_of("signals.text.safety.v1")
MOOD = {"name": "mood", "type": ["null", "string"], "doc": "How it feels.", "default": None}


def edited(edit: Callable[[dict[str, Any]], None], schema: Schema = SAFETY) -> Comparison:
    definition = json.loads(schema.text)
    edit(definition)
    return comparison(schema, replace(schema, minor=1, text=json.dumps(definition)))


def field(definition: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in definition["fields"] if each["name"] == name)


def words(found: Comparison) -> list[str]:
    return [change.words for change in found.changes]


def test_a_field_with_a_default_is_added_and_nobody_minds() -> None:
    found = edited(lambda schema: schema["fields"].append(MOOD))
    assert words(found) == ["adds mood (null or string), null by default: How it feels."]
    assert not found.breaks


def test_a_field_without_a_default_breaks_those_who_read_what_was_written_before() -> None:
    bare = {"name": "mood", "type": "string", "doc": "How it feels."}
    found = edited(lambda schema: schema["fields"].append(bare))
    assert words(found) == ["adds mood (string) without a default"]
    assert found.newer_cannot_read
    assert not found.older_cannot_read


def test_a_removed_field_is_named_once_with_its_type() -> None:
    found = edited(lambda schema: schema["fields"].remove(field(schema, "spans")))
    assert words(found) == ["removes spans (array of SafetySpan)"]
    assert found.breaks


@pytest.mark.parametrize(
    ("name", "key", "value", "told"),
    [
        ("revision", "type", "int", "changes the type of revision from long to int"),
        ("language", "default", "en", 'changes the default of language from null to "en"'),
        ("event_time", "type", "long", "changes the logical type of event_time from "),
        (
            "outcome",
            "values",
            ["OK"],
            "changes the documented values of outcome: removes ABSTAINED",
        ),
    ],
)
def test_what_a_field_says_otherwise_breaks_its_readers(
    name: str, key: str, value: object, told: str
) -> None:
    found = edited(lambda schema: field(schema, name).update({key: value}))
    assert any(change.words.startswith(told) and change.breaks for change in found.changes)


def test_docs_alone_reach_nobody() -> None:
    found = edited(lambda schema: field(schema, "outcome").update(doc="Whatever."))
    assert words(found) == ["says otherwise what outcome is: Whatever.", DOCS_ALONE]
    assert found.breaks


def test_docs_together_with_a_field_are_told_and_pass() -> None:
    def edit(schema: dict[str, Any]) -> None:
        field(schema, "reason").update(doc="Why not.")
        schema["fields"].append(MOOD)

    found = edited(edit)
    assert "says otherwise what reason is: Why not." in words(found)
    assert not found.breaks


def test_another_record_under_the_same_topic_breaks() -> None:
    found = edited(lambda schema: schema.update(name="TextHarm"))
    assert found.changes[0].words.startswith("is of the record earmark.signals.TextHarm, not ")
    assert found.breaks


def test_topics_that_come_are_new_and_those_that_go_break() -> None:
    speech = schema_of("signals.audio.speech.v1")
    came, went = comparisons([], [speech]), comparisons([speech], [])
    assert (words(came[0]), came[0].breaks) == (["is new"], False)
    assert (words(went[0]), went[0].breaks) == (["is gone"], True)
    assert comparisons([speech], [speech]) == []
