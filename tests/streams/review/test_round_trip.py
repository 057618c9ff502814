"""Questions go out, decisions come back once each, whatever happens on the way."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from earmark.processors.review.answer import answer
from earmark.processors.schema import ITEMS, PROFILES, REVIEW_DECISIONS, REVIEW_REQUESTS
from earmark.streams.cli import main
from earmark.streams.error import TransactionError
from earmark.streams.local.environment import environment
from earmark.streams.registry import Registry
from earmark.streams.review.desk import Desk, State
from earmark.streams.review.intake import take
from earmark.streams.settings import Settings
from earmark.streams.subscriber import ReceivedSignal, subscribe
from tests.streams.review.conftest import Asked, Publish

pytestmark = [pytest.mark.kafka]

LIMIT_S = 120
Ask = Callable[[int], Asked]
Earmark = Callable[..., str]


@pytest.fixture
def earmark(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Earmark:
    """Runs a command here; its output, or with another status what it said of a mistake."""
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        assert ended.value.code == status, said.err
        return said.err if status else said.out

    return run


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with Registry(settings.registry) as registry, Desk(settings, registry, serves=True) as desk:
        yield desk


def annotated(tasks: Sequence[dict[str, Any]], *choices: str, by: int = 1) -> list[dict[str, Any]]:
    """The tasks as Label Studio exports them, all with this answer."""
    result = {"from_name": "text_safety_labels", "to_name": "text", "type": "choices"}
    annotation = {
        "id": by,
        "completed_by": by,
        "was_cancelled": False,
        "updated_at": "2026-11-26T08:00:00Z",
        "result": [{**result, "value": {"choices": list(choices)}}],
    }
    return [{"id": n, **task, "annotations": [annotation]} for n, task in enumerate(tasks)]


def written(settings: Settings, names: set[str], quiet_s: float = 3) -> list[ReceivedSignal]:
    with subscribe(
        REVIEW_DECISIONS, settings=settings, from_beginning=True, timeout_s=quiet_s
    ) as records:
        return [record for record in records if record.key in names]


def test_questions_are_exported_answered_and_imported_once(
    ask: Ask, earmark: Earmark, tmp_path: Path
) -> None:
    asked = ask(3)
    out, back = tmp_path / "tasks.json", tmp_path / "back.json"
    export = ("export", "--label-studio", "--queue", asked.queue, "--out", str(out))
    earmark("review", *export, "--mask")
    tasks = json.loads(out.read_text())
    assert {task["data"]["content_id"] for task in tasks} == {q.content_id for q in asked.questions}
    assert all("write to [EMAIL] about" in task["data"]["text"] for task in tasks)
    assert ET.parse(out.with_suffix(".xml")).find("Choices").get("name") == "text_safety_labels"  # type: ignore[union-attr]  # noqa: S314  ours
    back.write_text(json.dumps(annotated(tasks[:2], "profanity")))
    first = json.loads(earmark("review", "import", str(back), "--json"))
    again = json.loads(earmark("review", "import", str(back), "--json"))
    assert (first["added"], first["known"]) == (2, 0)
    assert (again["added"], again["known"]) == (0, 2)
    earmark("review", *export)
    (left,) = json.loads(out.read_text())
    back.write_text(json.dumps(annotated([left], "none-of-these", "hate")))
    assert "cannot both be right" in earmark("review", "import", str(back), status=1)


def test_an_import_that_is_killed_goes_on_and_doubles_nothing(
    settings: Settings, ask: Ask, earmark: Earmark, tmp_path: Path
) -> None:
    asked = ask(2_000)
    names = {question.content_id for question in asked.questions}
    tasks = [{"data": {"earmark": question.record()}} for question in asked.questions]
    file = tmp_path / "back.json"
    file.write_text(json.dumps(annotated(tasks, "profanity")))
    running = subprocess.Popen(
        [sys.executable, "-m", "earmark", "review", "import", str(file)], env=environment(settings)
    )
    with subscribe(
        REVIEW_DECISIONS, settings=settings, from_beginning=True, timeout_s=LIMIT_S
    ) as records:
        next(record for record in records if record.key in names)
    running.send_signal(signal.SIGKILL)
    running.wait(LIMIT_S)
    before = {record.key for record in written(settings, names)}
    said = json.loads(earmark("review", "import", str(file), "--json"))
    after = written(settings, names)
    assert 0 < len(before) < len(names)
    assert said == {"added": len(names) - len(before), "known": len(before), "refused": []}
    assert Counter(record.key for record in after) == Counter(names)
    assert {len(record.record["decisions"]) for record in after} == {1}


def test_two_writers_lose_nothing_of_each_other(settings: Settings, ask: Ask, desk: Desk) -> None:
    (question,) = ask(1).questions
    name = question.content_id

    def by(who: str, *labels: str) -> tuple[str, Any]:
        return name, answer(question, annotator=who, decided_at=1_000, values=labels)

    with Registry(settings.registry) as registry, Desk(settings, registry, serves=True) as other:
        for each in (desk, other):
            each.advance()
        take(desk, [by("a", "hate")])
        take(other, [by("b", "profanity")])
        with pytest.raises(TransactionError, match="run it again"):
            take(desk, [by("c", "profanity")])
        take(desk, [by("c", "profanity")])
        other.advance()
        decisions = other.ledger.of(name)
    assert {each.annotator for each in decisions.decisions} == {"a", "b", "c"}
    held = decisions.value("text.safety", "labels", "2" * 64)
    assert held is not None
    assert held.values == ("profanity",)


def test_a_question_is_gone_with_its_item_and_takes_no_decision(
    settings: Settings, ask: Ask, desk: Desk, publish: Publish
) -> None:
    stays, goes = ask(2).questions
    publish(ITEMS, [(goes.content_id, None)])
    desk.advance()
    assert [desk.state(each) for each in (stays, goes)] == [State.OPEN, State.GONE]
    answers = [
        (each.content_id, answer(each, annotator="a", decided_at=1, agrees=True))
        for each in (stays, goes)
    ]
    taken = take(desk, answers)
    assert (taken.added, taken.refused) == (1, [f"{goes.content_id}: there is no such item"])
    assert desk.state(stays) == State.ANSWERED


def test_nothing_is_left_about_an_item_that_goes_while_it_is_decided(
    settings: Settings, ask: Ask, desk: Desk, publish: Publish
) -> None:
    (question,) = ask(1).questions
    name = question.content_id
    desk.advance()
    publish(ITEMS, [(name, None)])
    taken = take(desk, [(name, answer(question, annotator="a", decided_at=1, agrees=True))])
    assert taken.refused == [f"{name}: it was deleted meanwhile"]
    with Registry(settings.registry) as registry, Desk(settings, registry) as other:
        other.advance()
        assert name not in other.ledger.items()


def test_what_cannot_be_read_holds_nothing_up(ask: Ask, desk: Desk, publish: Publish) -> None:
    (question,) = ask(1).questions
    publish(REVIEW_REQUESTS, [(question.content_id, b"not Avro")])
    publish(PROFILES, [(question.content_id, b"not Avro")])
    desk.advance()
    assert desk.questions(queue=question.queue) == [question]
    assert (desk.profile(question.content_id), desk.state(question)) == (None, State.OPEN)


def test_people_decide_at_the_command_line(ask: Ask, earmark: Earmark) -> None:
    asked = ask(2)
    answered, unasked = asked.questions
    name = unasked.content_id
    agreed = ("decide", answered.content_id, "--request", answered.request_id, "--agree")
    said = earmark("review", *agreed, "--annotator", "a")
    assert said == "1 decision written, 0 known\n"
    own = ("--signal", "text.safety", "--field", "labels", "--no-label")
    earmark("review", "decide", name, *own, "--annotator", "a", "--note", "a joke")
    earmark("review", "decide", name, "--effect", "label=spam", "--annotator", "b")
    page = json.loads(earmark("review", "show", name, "--json"))
    kinds = {each["kind"]: each for each in page["decisions"]}
    assert kinds["VALUE"]["note"] == "a joke"
    assert kinds["VERDICT"]["effects"] == [{"effect": "label", "value": "spam"}]
    assert kinds["VERDICT"]["revision"] == 3
    withdraw = ("decide", name, "--withdraw", kinds["VERDICT"]["decision_id"])
    earmark("review", *withdraw, "--annotator", "b")
    page = json.loads(earmark("review", "show", name, "--json"))
    assert page["in_force"] == [kinds["VALUE"]["decision_id"]]
    assert earmark("review", "list", "--queue", asked.queue) == ""
    lines = earmark("review", "stats")
    assert f"queue {asked.queue}: 2 ANSWERED" in lines
    assert "text.safety labels: " in lines


@pytest.mark.parametrize(
    ("decided", "problem"),
    [
        (("labels", "--value", "harrasment"), "unknown label of text.safety 'harrasment'; known: "),
        (("nofield", "--value", "harassment"), "unknown field 'nofield' of text.safety; known: "),
        (("nofield", "--agree"), "unknown field 'nofield' of text.safety; known: labels, "),
    ],
)
def test_a_typo_in_a_decision_is_told_and_nothing_is_written(
    ask: Ask, earmark: Earmark, desk: Desk, decided: tuple[str, ...], problem: str
) -> None:
    (question,) = ask(1).questions
    own = ("--signal", "text.safety", "--annotator", "a", "--field", *decided)
    said = earmark("review", "decide", question.content_id, *own, status=2)
    assert problem in said
    assert len(said.splitlines()) == 1
    desk.advance()
    assert desk.ledger.of(question.content_id).decisions == ()


def test_a_typo_in_an_answer_or_an_effect_is_told(ask: Ask, earmark: Earmark) -> None:
    (question,) = ask(1).questions
    own = ("review", "decide", question.content_id, "--annotator", "a")
    asked = (*own, "--request", question.request_id, "--value", "harrasment")
    assert "unknown label of text.safety 'harrasment'" in earmark(*asked, status=2)
    assert "unknown effect 'limt'" in earmark(*own, "--effect", "limt", status=2)


def test_an_import_names_the_tasks_with_typos_and_takes_the_others(
    ask: Ask, earmark: Earmark, tmp_path: Path
) -> None:
    tasks = [{"data": {"earmark": question.record()}} for question in ask(2).questions]
    good, bad = annotated(tasks[:1], "hate"), annotated(tasks[1:], "harrasment")
    file = tmp_path / "back.json"
    file.write_text(json.dumps([*good, {**bad[0], "id": 7}]))
    said = earmark("review", "import", str(file), status=1)
    assert "not taken: task 7: unknown label of text.safety 'harrasment'; known: " in said
    file.write_text(json.dumps(good))
    assert earmark("review", "import", str(file)) == "0 decisions written, 1 known\n"


def test_what_was_decided_before_with_unknown_labels_stays(
    settings: Settings, ask: Ask, earmark: Earmark, desk: Desk
) -> None:
    (question,) = ask(1).questions
    name = question.content_id
    known = answer(question, annotator="a", decided_at=1, values=("profanity",))
    old = replace(known, values=("harrasment",))
    desk.advance()
    assert take(desk, [(name, old)]).added == 1
    earmark("review", "decide", name, "--effect", "limit", "--annotator", "b")
    page = json.loads(earmark("review", "show", name, "--json"))
    assert {each["kind"] for each in page["decisions"]} == {"VALUE", "VERDICT"}


def test_an_unknown_queue_is_told_with_those_there_are(ask: Ask, earmark: Earmark) -> None:
    asked = ask(1)
    for command in (("export", "--label-studio"), ("list",)):
        said = earmark("review", *command, "--queue", "nope", status=2)
        assert "unknown queue 'nope'; known: " in said
        assert {asked.queue, "audit", "delivery", "safety", "severe", "text"} <= {
            each.strip(" ,\n") for each in said.split()
        }
    assert earmark("review", "list", "--queue", "severe") == ""


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("export",), "name the format: --label-studio"),
        (("decide", "a"), "say one of --agree"),
        (("decide", "a", "--agree", "--request", "x"), "there is no question 'x' about a"),
        (("import", "no-such-file"), "no-such-file: No such file or directory"),
        (("show", "no-such-item"), "there is no question and no decision"),
        (("serve", "--host", "0.0.0.0"), "set a token (review.token)"),  # noqa: S104  it is refused
    ],
)
def test_a_mistake_ends_in_one_line(
    earmark: Earmark, arguments: tuple[str, ...], problem: str
) -> None:
    said = earmark("review", *arguments, status=2)
    assert problem in said
    assert "Traceback" not in said
