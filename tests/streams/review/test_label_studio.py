"""Tasks have the documented shape, and what annotators answer comes back as they meant it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.models.error import ConfigurationError
from earmark.processors.review.decision import DecidedEffect, Decision
from earmark.processors.review.question import Question, Reason, Subject, request_id
from earmark.processors.taxonomy.harm import harms
from earmark.streams.review.label_studio import (
    AGREES,
    NONE,
    NOTHING,
    Shown,
    answers,
    controls,
    labelling_config,
    read_export,
    task,
)

PATIENT = settings(deadline=None, max_examples=50)  # a busy machine is no failure
SUBJECT = Subject(
    signal="text.safety",
    signal_id="1" * 32,
    input_digest="2" * 64,
    model="text-harm 1",
    field="scores.hate",
    value="0.55",
    score=0.55,
)
LABELS = sorted(harms())


def question(**own: Any) -> Question:
    made = Question(
        **{
            "content_id": "comment-7",
            "request_id": "",
            "tenant": "demo",
            "content_type": "COMMENT",
            "revision": 3,
            "event_time": 0,
            "reason": Reason.UNCERTAIN,
            "queue": "safety",
            "stratum": "COMMENT/en/hate",
            "priority": 0.5,
            "chance": 0.25,
            "day": "2026-11-26",
            "asks": "labels",
            "said": ("hate",),
            "subjects": (SUBJECT,),
        }
        | own
    )
    return replace(made, request_id=request_id(made.content_id, made.asked))


LANGUAGE = question(
    asks="language",
    said=("en",),
    subjects=(replace(SUBJECT, signal="text.language", field="language", score=None),),
)
VERDICT = question(
    asks=None,
    said=(),
    reason=Reason.SEVERE,
    policy="comments",
    rule="hate",
    effects=(DecidedEffect(effect="label", value="hate"), DecidedEffect(effect="limit")),
)


def exported(of: Question, *words: str, **own: Any) -> list[dict[str, Any]]:
    """The task as Label Studio exports it after somebody answered it."""
    whole = task(of, Shown(texts=(("comment", "a text"),)))
    (control,) = controls([of])
    key = "choices" if control.choices else "text"
    result = {
        "value": {key: list(words)},
        "id": "Dx_aB91ISN",
        "from_name": control.name,
        "to_name": "text",
        "type": "choices" if control.choices else "textarea",
        "origin": "manual",
    }
    annotation = {
        "id": 1001,
        "completed_by": 10,
        "result": [result],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-26T08:00:00.728353Z",
        "updated_at": "2026-11-26T08:00:01.728378Z",
        "lead_time": 4.288,
    }
    again = json.loads(json.dumps({"id": 1, **whole, "annotations": [annotation | own]}))
    return [again]


def parsed(config: str) -> ET.Element:
    return ET.fromstring(config)  # noqa: S314  what we wrote ourselves


def only(found: Sequence[dict[str, Any]]) -> Decision:
    (pair,) = answers(found)
    assert not isinstance(pair, str), pair
    assert pair[0] == "comment-7"
    return pair[1]


def test_a_task_has_data_and_a_prediction_that_fits_the_configuration() -> None:
    made = task(question(), Shown(texts=(("comment", "a text"),), audio="https://a.example/a.mp3"))
    assert made["data"]["text"] == "comment:\na text"
    assert made["data"]["audio"] == "https://a.example/a.mp3"
    (prediction,) = made["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("text-harm 1", 0.55)
    (result,) = prediction["result"]
    config = parsed(labelling_config([question()], has_audio=True))
    (choices,) = config.findall("Choices")
    assert result["from_name"] == choices.get("name")
    assert result["to_name"] == choices.get("toName") == config.find("Text").get("name")  # type: ignore[union-attr]
    assert result["type"] == "choices"
    words = {choice.get("value") for choice in choices}
    assert words == {NONE, *LABELS} >= set(result["value"]["choices"])
    assert config.find("Audio").get("value") == "$audio"  # type: ignore[union-attr]


def test_each_kind_of_question_has_one_control_and_all_names_differ() -> None:
    kinds = [question(), question(content_id="b"), LANGUAGE, VERDICT]
    config = parsed(labelling_config(kinds, has_audio=False))
    names = [each.get("name") for each in config if each.get("name")]
    assert names == ["text", "text_language_language", "text_safety_labels", "verdict", "note"]
    assert config.find("Audio") is None


@PATIENT
@given(st.sets(st.sampled_from(LABELS), min_size=1))
def test_labels_come_back_as_they_were_ticked(labels: set[str]) -> None:
    decision = only(exported(question(), *labels))
    assert decision.values == tuple(sorted(labels))
    assert decision.kind == ("AGREE" if labels == {"hate"} else "VALUE")
    assert decision.answers == ("text.safety", "labels", "2" * 64)
    assert (decision.chance, decision.annotator) == (0.25, "label-studio-10")
    assert decision.decided_at == 1_795_680_001_728


def test_no_label_is_an_answer_and_nothing_ticked_is_none() -> None:
    assert only(exported(question(), NONE)).values == ()
    assert list(answers(exported(question()))) == []
    assert list(answers(exported(question(), "hate", was_cancelled=True))) == []


def test_a_line_of_text_answers_what_has_no_list() -> None:
    decision = only(exported(LANGUAGE, " de "))
    assert (decision.kind, decision.values) == ("VALUE", ("de",))


@pytest.mark.parametrize(
    ("ticked", "kind", "effects"),
    [
        (AGREES, "AGREE", VERDICT.effects),
        (NOTHING, "VERDICT", ()),
        ("limit", "VERDICT", (DecidedEffect(effect="limit"),)),
        ("label=hate", "VERDICT", (DecidedEffect(effect="label", value="hate"),)),
    ],
)
def test_a_verdict_is_left_or_replaced(
    ticked: str, kind: str, effects: tuple[DecidedEffect, ...]
) -> None:
    decision = only(exported(VERDICT, ticked))
    assert (decision.kind, decision.effects, decision.revision) == (kind, effects, 3)


def test_an_annotator_who_answers_again_changes_his_decision() -> None:
    first, later = (
        only(exported(question(), label, id=number)) for number, label in enumerate(LABELS[:2])
    )
    assert first.decision_id == later.decision_id
    other = only(exported(question(), LABELS[0], completed_by={"id": 11, "email": "a@example.org"}))
    assert (other.annotator, other.decision_id != first.decision_id) == ("label-studio-11", True)


def test_tasks_of_others_are_passed_over() -> None:
    assert list(answers([{"id": 1, "data": {"text": "x"}, "annotations": []}])) == []


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"completed_by": None}, "who completed it"),
        ({"completed_by": "a@example.org"}, "who completed it"),
        ({"updated_at": "yesterday"}, "updated_at 'yesterday' is no time"),
        ({"result": ["x"]}, "a result is none of Label Studio's"),
    ],
)
def test_what_cannot_be_a_decision_is_named(own: Mapping[str, Any], problem: str) -> None:
    (line,) = answers(exported(question(), "hate", **own))
    assert isinstance(line, str)
    assert line.startswith("task 1: ")
    assert problem in line


def test_two_answers_that_exclude_each_other_are_none() -> None:
    (line,) = answers(exported(question(), NONE, "hate"))
    assert isinstance(line, str)
    assert "cannot both be right" in line


def test_a_number_of_thousands_of_digits_is_no_export() -> None:
    with pytest.raises(ConfigurationError, match="not Label Studio's JSON export"):
        read_export("9" * 5_000)


def test_a_question_that_was_changed_on_the_way_is_refused() -> None:
    (changed,) = exported(question(), "hate")
    changed["data"]["earmark"]["content_id"] = "comment-8"
    (line,) = answers([changed])
    assert line == "task 1: its question is not the one that was exported"


def test_a_question_that_no_record_could_hold_is_refused() -> None:
    (changed,) = exported(question(), "hate")
    changed["data"]["earmark"]["chance"] = "likely"
    (line,) = answers([changed])
    assert isinstance(line, str)
    assert line.startswith("task 1: its question cannot be read")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "data", "annotations", "earmark", "result", "value", "choices"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@PATIENT
@given(json_values)
def test_no_file_ends_in_a_traceback(value: Any) -> None:
    with suppress(ConfigurationError):
        list(answers(value))


@PATIENT
@given(st.sampled_from(["completed_by", "updated_at", "result", "was_cancelled"]), json_values)
def test_no_annotation_does_either(field: str, value: Any) -> None:
    for found in answers(exported(question(), "hate", **{field: value})):
        assert found


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_is_no_json_is_a_users_mistake(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not Label Studio's JSON export"):
        read_export(text)
    with pytest.raises(ConfigurationError, match="JSON-MIN"):
        list(answers([{"text": "x", "text_safety_labels": "hate"}]))
