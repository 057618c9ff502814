"""Questions as Label Studio's tasks, its labelling configuration for them, and answers back.

The format is that of Label Studio's documentation: tasks with `data` and `predictions` ("Import
pre-annotated data into Label Studio"), the tags View, Header, Text, Audio, Choices and TextArea,
and the JSON export with `annotations` ("Label Studio JSON format of annotated tasks").
A task carries its question, as its record is, under `data.earmark`, so that an answer is known for
what it is when the request has left its topic. Annotators are named `label-studio-<user id>`: their
addresses, which an export may hold, are not read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

from earmark.models.error import ConfigurationError
from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.policy.vocabulary import labels_of, signal_fields
from earmark.processors.review.answer import answer
from earmark.processors.review.decision import DecidedEffect, Decision
from earmark.processors.review.question import Question, question_of, request_id
from earmark.processors.schema import REVIEW_REQUESTS, schema_of

TEXT, AUDIO, NOTE, VERDICT = "text", "audio", "note", "verdict"
NONE = "none-of-these"  # of the labels; nothing ticked is no answer
AGREES = "right-as-it-is"
NOTHING = "nothing-holds"
SOURCE = "label-studio"

_NO_ID = 0  # of a schema: the payload is not kept

_EFFECTS = ("limit", "mark-explicit")  # that can be meant without a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an annotator sees of an item: its texts by field, and where its audio can be heard."""

    texts: Sequence[tuple[str, str]] = ()
    audio: str | None = None

    @property
    def text(self) -> str:
        """All texts as one, each under the name of its field."""
        return "\n\n".join(f"{field}:\n{text}" for field, text in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What an annotator fills in for one kind of question; without `choices` a line of text."""

    name: str
    choices: tuple[str, ...] = ()
    several: bool = False


def control_name(question: Question) -> str:
    """The name of the tag that answers the question, as text_safety_labels."""
    if question.signal is None:
        return VERDICT
    return f"{question.signal}_{question.asks}".replace(".", "_")


def controls(questions: Iterable[Question]) -> tuple[Control, ...]:
    """What is needed to answer the questions, each kind once."""
    found: dict[str, Control] = {}
    for question in questions:
        new = _control(question)
        before = found.get(new.name, new)
        choices = tuple(dict.fromkeys((*before.choices, *new.choices)))
        found[new.name] = Control(name=new.name, choices=choices, several=new.several)
    return tuple(found[name] for name in sorted(found))


def labelling_config(questions: Sequence[Question], *, has_audio: bool) -> str:
    """The labelling configuration, XML, of a project for these questions.

    Each task says in its header which of the controls it is about. `has_audio`: every task has
    some; Label Studio takes no task that lacks a field of the configuration.
    """
    view = ET.Element("View")
    ET.SubElement(view, "Header", value="$question")
    ET.SubElement(view, "Text", name=TEXT, value=f"${TEXT}")
    if has_audio:
        ET.SubElement(view, "Audio", name=AUDIO, value=f"${AUDIO}")
    for control in controls(questions):
        ET.SubElement(view, "Header", value=control.name, size="5")
        _add(view, control)
    ET.SubElement(view, "Header", value="note", size="5")
    ET.SubElement(view, "TextArea", name=NOTE, toName=TEXT, maxSubmissions="1", rows="2")
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def task(question: Question, shown: Shown) -> dict[str, Any]:
    """The task of a question, with what the model says as its prediction."""
    data = {
        "question": question_text(question),
        TEXT: shown.text,
        "content_id": question.content_id,
        "queue": question.queue,
        "reason": str(question.reason),
        "earmark": question.record(),
    }
    if shown.audio is not None:
        data[AUDIO] = shown.audio
    return {"data": data, "predictions": [_prediction(question)]}


def question_text(question: Question) -> str:
    """The question in words."""
    if question.signal is None:
        effects = ", ".join(map(_effect_word, question.effects)) or "nothing"
        return f"verdict: by {question.policy}/{question.rule}, {effects} holds. Is it right?"
    said = ", ".join(question.said) or "none"
    return f"{control_name(question)}: {question.signal} says {said}. What is right?"


def answers(exported: Any) -> Iterator[tuple[str, Decision] | str]:
    """The decisions in a JSON export, by content_id; a line of text for what cannot be one.

    Tasks that are not ours, skipped annotations and those that leave the question open are passed
    over. Raises ConfigurationError where it is no such export.
    """
    if not isinstance(exported, list) or not all(isinstance(each, dict) for each in exported):
        raise ConfigurationError("not Label Studio's JSON export: a list of tasks is wanted")
    if exported and not any("annotations" in each for each in exported):
        raise ConfigurationError("no task has annotations: export as JSON, not as JSON-MIN")
    for number, each in enumerate(exported, start=1):
        where = f"task {each.get('id', number)}"
        try:
            yield from _of_task(each, where)
        except ConfigurationError as error:
            yield f"{where}: {error}"


def read_export(text: str) -> Any:
    """The JSON of an export; raises ConfigurationError where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"not Label Studio's JSON export: {error}") from error


def _of_task(each: Mapping[str, Any], where: str) -> Iterator[tuple[str, Decision] | str]:
    data = each.get("data")
    record = data.get("earmark") if isinstance(data, Mapping) else None
    if record is None:
        return
    question = _question(record)
    annotations = each.get("annotations") or []
    for annotation in annotations if isinstance(annotations, list) else []:
        try:
            decision = _decision(question, annotation)
        except ConfigurationError as error:
            yield f"{where}: {error}"
        else:
            if decision is not None:
                yield question.content_id, decision


def _question(record: Any) -> Question:
    """The question of a task; raises ConfigurationError where it is none, or was changed."""
    try:
        _codec().encode(record, _NO_ID)
        question = question_of(record)
        name = request_id(question.content_id, question.asked)
    except (ContentError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConfigurationError(f"its question cannot be read: {error}") from error
    if name != question.request_id:
        raise ConfigurationError("its question is not the one that was exported")
    return question


@cache
def _codec() -> Codec:
    return Codec(schema_of(REVIEW_REQUESTS))


def _decision(question: Question, annotation: Any) -> Decision | None:
    if not isinstance(annotation, Mapping):
        raise ConfigurationError("an annotation is no object")
    if annotation.get("was_cancelled"):
        return None
    given = _given(question, annotation)
    if not given[control_name(question)]:
        return None
    note = "\n".join(given[NOTE]) or None
    own = {
        "annotator": _annotator(annotation.get("completed_by")),
        "decided_at": _moment_ms(annotation),
        "note": note,
    }
    return _answer(question, given[control_name(question)], own)


def _answer(question: Question, words: Sequence[str], own: Mapping[str, Any]) -> Decision:
    if AGREES in words or NONE in words or NOTHING in words:
        if len(words) > 1:
            raise ConfigurationError(f"{' and '.join(words)} cannot both be right")
        if AGREES in words:
            return answer(question, agrees=True, **own)
        words = ()
    if question.signal is None:
        return answer(question, effects=[effect_of(word) for word in words], **own)
    return answer(question, values=words, **own)


def _given(question: Question, annotation: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """The words that an annotation gives for the question's control, and for the note."""
    found: dict[str, list[str]] = {control_name(question): [], NOTE: []}
    results = annotation.get("result")
    for result in results if isinstance(results, list) else []:
        if not isinstance(result, Mapping) or not isinstance(result.get("value"), Mapping):
            raise ConfigurationError("a result is none of Label Studio's")
        name, value = str(result.get("from_name")), result["value"]
        words = value.get("choices", value.get("text", []))
        if name in found:
            many = words if isinstance(words, list) else [words]
            found[name] += [str(word).strip() for word in many]
    return found


def _annotator(who: Any) -> str:
    number = who.get("id") if isinstance(who, Mapping) else who
    if not isinstance(number, int | str) or isinstance(number, bool) or "@" in str(number):
        raise ConfigurationError("an annotation does not say who completed it")
    return f"{SOURCE}-{number}"


def _moment_ms(annotation: Mapping[str, Any]) -> int:
    for name in ("updated_at", "created_at"):
        if isinstance(written := annotation.get(name), str):
            try:
                moment = datetime.fromisoformat(written)
                zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                return round(zoned.timestamp() * 1000)
            except (ValueError, OverflowError) as error:
                raise ConfigurationError(f"{name} {written!r} is no time") from error
    raise ConfigurationError("an annotation does not say when it was made")


def effect_of(word: str) -> DecidedEffect:
    """The effect that is written `limit`, or `label=spam`."""
    effect, _, value = word.partition("=")
    return DecidedEffect(effect=effect.strip(), value=value.strip() or None)


def _effect_word(effect: DecidedEffect) -> str:
    return effect.effect if effect.value is None else f"{effect.effect}={effect.value}"


def _control(question: Question) -> Control:
    name = control_name(question)
    if question.signal is None:
        effects = tuple(map(_effect_word, question.effects))
        return Control(name=name, choices=(AGREES, NOTHING, *_EFFECTS, *effects), several=True)
    if question.asks == "labels":
        known = labels_of(question.signal) or ()
        scored = (each.field.partition(".")[2] for each in question.subjects)
        labels = sorted({*known, *question.said, *filter(None, scored)})
        return Control(name=name, choices=(NONE, *labels), several=True)
    field = signal_fields(question.signal).get(question.asks or "")
    return Control(name=name, choices=tuple(sorted((field and field.values) or ())))


def _add(view: ET.Element, control: Control) -> None:
    if not control.choices:
        ET.SubElement(view, "TextArea", name=control.name, toName=TEXT, maxSubmissions="1")
        return
    kind = "multiple" if control.several else "single"
    choices = ET.SubElement(view, "Choices", name=control.name, toName=TEXT, choice=kind)
    for word in control.choices:
        ET.SubElement(choices, "Choice", value=word)


def _prediction(question: Question) -> dict[str, Any]:
    control = _control(question)
    if question.signal is None:
        words = [AGREES]
        model = f"{question.policy}/{question.rule}"
    else:
        words = list(question.said) or ([NONE] if question.asks == "labels" else [])
        model = question.subjects[0].model
    kind, key = ("choices", "choices") if control.choices else ("textarea", "text")
    result = {
        "id": question.request_id[:10],
        "from_name": control.name,
        "to_name": TEXT,
        "type": kind,
        "value": {key: words},
    }
    scores = [each.score for each in question.subjects if each.score is not None]
    score = {"score": scores[0]} if scores else {}
    return {"model_version": model, **score, "result": [result] if words else []}
