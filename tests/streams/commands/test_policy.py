"""`earmark policy` checks, tries, shows, puts live and projects."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from earmark.processors.codec import Codec, Record
from earmark.processors.policy.judgement import decide
from earmark.processors.policy.shelf import shipped_policies
from earmark.processors.policy.verdict import verdict_record
from earmark.processors.profile import Profile
from earmark.processors.schema import PROFILES, REVIEW_DECISIONS, VERDICTS, schema_of
from earmark.streams.cli import main
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.topic import COMMON, Topic, delete_topics, make_topics
from tests.processors.policy.sample import golden, profile, said

Run = Callable[..., tuple[int, str]]
NO_STATEMENT = "no ruling restricts it in the EEA, so no statement of reasons is due"
TRIED = """name = "tried"
version = "1"
[[rule]]
name = "hate"
when = "text.safety scores.hate >= 0.5"
effect = "limit"
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls `earmark policy`: its exit status, and what it printed."""
    monkeypatch.delenv("EARMARK_POLICIES", raising=False)

    def call(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            main(["policy", *map(str, arguments)])
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out + printed.err

    return call


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    file = tmp_path / "tried.toml"
    file.write_text(TRIED)
    return file


def hated(item: str, score: float) -> Profile:
    return profile(said("text.safety", numbers={"scores.hate": score}, labels=()), content_id=item)


def as_lines(file: Path, *profiles: Profile) -> Path:
    file.write_text("".join(f"{json.dumps(asdict(it))}\n" for it in profiles))
    return file


def test_the_shipped_policies_are_without_fault(run: Run) -> None:
    assert run("check") == (0, "4 policies with 20 rules are as they should be\n")


def test_one_policy_with_one_rule_is_told_in_the_singular(run: Run, tried: Path) -> None:
    assert run("check", tried) == (0, "1 policy with 1 rule is as it should be\n")


def test_a_check_prints_all_faults_and_ends_with_2(run: Run, tried: Path) -> None:
    tried.write_text(TRIED.replace("hate >=", "hat >=").replace("limit", "limits"))
    status, printed = run("check", tried)
    assert status == 2
    assert [line.removeprefix(str(tried)) for line in printed.splitlines()] == [
        ":5: rule hate, when: text.safety has no scores for hat; did you mean hate?",
        ":6: rule hate, effect: no effect limits; did you mean limit?",
    ]
    status, printed = run("check", tried.parent, "--json")
    assert [fault["line"] for fault in json.loads(printed)["faults"]] == [5, 6]


def test_policies_are_listed_and_shown(run: Run) -> None:
    rows = [json.loads(line) for line in run("list", "--json")[1].splitlines()]
    assert [row["name"] for row in rows] == [policy.name for policy in shipped_policies()]
    assert "comments" in run("list")[1]
    assert 'name = "comments"' in run("show", "comments")[1]
    rules = json.loads(run("show", "comments", "--json")[1])["rules"]
    assert rules[0]["effect"] == "limit"
    assert run("show", "coments")[0] == 2


def test_the_path_of_a_policy_stands_whole_on_a_line_of_its_own(
    run: Run, tried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("policies-of-the-house-" * 5) / "in-force"
    monkeypatch.setenv("EARMARK_POLICIES", str(folder))
    monkeypatch.setenv("COLUMNS", "80")
    run("put", tried)
    first, second = run("list")[1].splitlines()
    assert first.startswith("tried 1, 1 rule, ")
    assert second.strip() == str(folder / "tried.toml")


def test_a_policy_is_tried_put_live_and_retired(
    run: Run, tried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("put", tried)[0] == 2  # there is no folder
    monkeypatch.setenv("EARMARK_POLICIES", str(tmp_path / "force"))
    assert "would be put" in run("put", tried, "--dry-run")[1]
    assert not (tmp_path / "force").exists()
    assert run("put", tried, "comments")[0] == 0
    assert [json.loads(row)["name"] for row in run("list", "--json")[1].splitlines()] == [
        "comments",
        "tried",
    ]
    (row,) = run("retire", "tried", "--json")[1].splitlines()
    assert json.loads(row)["done"]
    assert not (tmp_path / "force" / "tried.toml").exists()


def test_a_dry_run_over_a_file_counts_each_item_once_by_its_last_profile(
    run: Run, tried: Path, tmp_path: Path
) -> None:
    past = as_lines(
        tmp_path / "past.jsonl",
        hated("a", 0.9),
        hated("b", 0.9),
        hated("c", 0.6),
        hated("b", 0.1),
    )
    with past.open("a") as file:
        file.write('{"signal": "x", "kafka": {"key": "c", "deleted": true}}\n')
    status, printed = run("test", tried, "--against", past, "--json")
    assert status == 0
    found = json.loads(printed)
    assert (found["records"], found["items"], found["changed"]) == (5, 2, 1)
    assert found["affected"] == {"before": 1, "after": 1}
    (rule,) = [rule for rule in found["rules"] if rule["policy"] == "tried"]
    assert (rule["before"], rule["after"]) == (0, 1)
    assert rule["new"] == {"items": 1, "examples": ["a"]}
    folder = json.loads(run("test", tmp_path, "--against", past, "--json")[1])
    gone = {rule["rule"] for rule in folder["rules"] if rule["gone"]["items"]}
    assert gone == {"harassment"}
    assert "tried" in run("test", tried, "--against", past, "--changed")[1]


def test_a_dry_run_over_nothing_says_so(run: Run, tried: Path, tmp_path: Path) -> None:
    nothing = as_lines(tmp_path / "past.jsonl")
    assert run("test", tried, "--against", nothing) == (0, f"there are no items in {nothing}\n")
    found, said = run("test", tried, "--against", nothing, "--json")[1].splitlines()
    assert json.loads(found)["items"] == 0
    assert said == f"there are no items in {nothing}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "content_id"),
        ('[{"deleted": true}]', "not a JSON object"),
        ('{"kafka": 3, "deleted": true}', "content_id"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
    ],
)
def test_a_line_that_is_no_profile_is_named(run: Run, tmp_path: Path, line: str, said: str) -> None:
    past = tmp_path / "past.jsonl"
    past.write_text(f"\n{line}\n")
    status, printed = run("test", "--against", past)
    assert status == 2
    assert f"{past}:2" in printed
    assert said in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ("test", "--against", "content.events.v1"),
        ("test", "--against", "./nowhere.jsonl"),
        ("project", "--as", "openai"),
        ("project", "item", "--verdict", __file__, "--as", "openai"),
        ("project", "--verdict", __file__, "--as", "openai"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run: Run, arguments: tuple[str, ...]) -> None:
    status, printed = run(*arguments)
    assert status == 2
    assert "Traceback" not in printed


def test_a_verdict_in_a_file_is_projected(run: Run, tmp_path: Path) -> None:
    of = hated("a", 0.9)
    verdict, behind = tmp_path / "verdict.json", as_lines(tmp_path / "profile.json", of)
    verdict.write_text(json.dumps(verdict_record(decide(of, shipped_policies()))))
    asked = ("project", "--verdict", verdict, "--profile", behind, "--at", "2026-11-26", "--as")
    assert json.loads(run(*asked, "openai")[1])["results"][0]["categories"]["hate"]
    assert json.loads(run(*asked, "dsa")[1])["application_date"] == "2026-11-26"
    assert json.loads(run(*asked, "ddex")[1]) == [{"ParentalWarningType": "Unknown"}]
    label = json.loads(run(*asked, "atproto", "--src", "did:web:e.org", "--uri", "at://e.org")[1])
    assert (label["val"], label["cts"]) == ("!no-promote", "2026-11-26T00:00:00.000Z")
    assert run(*asked, "atproto")[0] == 2


def test_where_nothing_is_due_a_sentence_says_so(run: Run, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    verdict.write_text(json.dumps(verdict_record(decide(hated("a", 0.1), shipped_policies()))))
    asked = ("project", "--verdict", verdict, "--as")
    to = ("--src", "did:web:e.org", "--uri", "at://e.org")
    status, printed = run(*asked, "dsa")
    assert (status, printed) == (0, f"a: {NO_STATEMENT}\n")
    assert run(*asked, "dsa", "--json") == (0, "null\n")
    assert "puts no label on it" in run(*asked, "atproto", *to)[1]
    assert run(*asked, "atproto", *to, "--json") == (0, "")


Put = Callable[[str, str, str, Record | None], None]


@pytest.fixture
def put(stack: Stack, stack_environment: dict[str, str]) -> Iterator[Put]:
    """Puts a record under the schema of a live topic on this topic, by key."""
    producer = Producer(producer_config(stack.settings.kafka))
    with Registry(stack.settings.registry) as registry:

        def send(topic: str, live: str, key: str, record: Record | None) -> None:
            schema_id = registry.id_of(schema_of(live))
            assert schema_id is not None
            value = None if record is None else Codec(schema_of(live)).encode(record, schema_id)
            producer.produce(topic, value, key)
            producer.flush(20)

        yield send


@pytest.mark.kafka
def test_a_dry_run_reads_topics_and_what_humans_decided(
    run: Run, tried: Path, stack: Stack, put: Put
) -> None:
    prefix = f"replay.policy{uuid4().hex[:8]}."
    safety = "signals.text.safety.v1"
    topics = [f"{prefix}{PROFILES}", f"{prefix}{safety}"]
    made = [Topic(name=name, config=COMMON) for name in topics]
    make_topics(stack.settings.kafka, made, partitions=2)
    items = [f"{prefix}{letter}" for letter in "abcd"]
    try:
        for item, score in zip(items, (0.9, 0.9, 0.1, 0.9), strict=True):
            put(topics[0], PROFILES, item, asdict(hated(item, score)))
        put(topics[0], PROFILES, items[3], None)
        decision = {**golden(REVIEW_DECISIONS)["decisions"][0], "kind": "VERDICT", "effects": []}
        told = {**decision, "revision": hated("a", 1).revision}
        put(
            REVIEW_DECISIONS,
            REVIEW_DECISIONS,
            items[1],
            {"content_id": items[1], "decisions": [told]},
        )
        found = json.loads(run("test", tried, "--against", topics[0], "--json")[1])
        assert (found["records"], found["items"]) == (5, 3)
        (rule,) = [rule for rule in found["rules"] if rule["policy"] == "tried"]
        assert rule["new"] == {"items": 1, "examples": [items[0]]}  # b was decided, d erased
        found, said = run("test", "--against", topics[0], "--to", "1h", "--json")[1].splitlines()
        assert json.loads(found)["items"] == 0
        assert said == f"there are no items of that time in {topics[0]}"
        record = {**golden(safety), "content_id": items[0], "scores": {"hate": 0.6}}
        put(topics[1], safety, items[0], record)
        found = json.loads(run("test", tried, "--against", topics[1], "--json")[1])
        assert [rule["rule"] for rule in found["rules"] if rule["new"]["items"]] == ["hate"]
    finally:
        delete_topics(stack.settings.kafka, prefix)


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_who_writes_profiles_is_said_where_there_are_none(run: Run) -> None:
    status, printed = run("test", "--to", "2001-01-01")
    assert status == 0
    assert printed == (
        "there are no items of that time in content.profile.v1: `earmark flink profile` writes "
        "profiles, on this machine `earmark up --with flink`\n"
    )


@pytest.mark.kafka
def test_the_verdict_on_an_item_is_projected_with_its_profile(run: Run, put: Put) -> None:
    item = uuid4().hex
    old, new = hated(item, 0.1), replace(hated(item, 0.9), revision=4)
    for of in (old, new):
        put(PROFILES, PROFILES, item, asdict(of))
        put(VERDICTS, VERDICTS, item, verdict_record(decide(of, shipped_policies())))
    (result,) = json.loads(run("project", item, "--as", "openai")[1])["results"]
    assert (result["flagged"], result["category_scores"]["hate"]) == (True, 0.9)
    assert run("project", uuid4().hex, "--as", "openai")[0] == 2
