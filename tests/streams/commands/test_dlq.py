"""`earmark dlq` as operators run it, on the real broker."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import confluent_kafka
import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # not marked

from earmark.models.error import ConfigurationError
from earmark.processors.codec import encode_event
from earmark.processors.content import ContentEvent, Text
from earmark.processors.schema import CONTENT_EVENTS, schema_of
from earmark.streams.cli import main
from earmark.streams.commands.dlq import dlq
from earmark.streams.header import Headers
from earmark.streams.kafka import client_config, producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.topic import COMMON

Put = Callable[..., str]

GONE = "MEDIA_GONE: audio: the store has no such object"


def run(*arguments: object, answer: str | None = None) -> Result:
    words = [str(word) for word in arguments]
    return CliRunner().invoke(dlq, words, input=answer, catch_exceptions=False)


def objects(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def stacked(stack: Stack, stack_environment: dict[str, str]) -> Stack:
    """The stack, which commands reach by the environment."""
    return stack


@pytest.fixture
def topic(stacked: Stack) -> str:
    """A topic of its own, with its dead letters."""
    name = f"test.{uuid.uuid4().hex[:8]}"
    admin = AdminClient(client_config(stacked.settings.kafka))
    wanted = [NewTopic(it, num_partitions=1, config=COMMON) for it in (name, f"{name}.dlq")]
    for made in admin.create_topics(wanted).values():
        made.result(10)
    return name


@pytest.fixture
def put(stacked: Stack) -> Put:
    """A function that puts one letter and returns its place."""
    producer = confluent_kafka.Producer(producer_config(stacked.settings.kafka))

    def put_one(topic: str, key: str, message: str = "", value: bytes = b"not Avro") -> str:
        landed: list[str] = []
        headers: Headers = [("traceparent", b"00-a-b-01")]
        if message:
            headers.append(("__streams.errors.message", message.encode()))
        producer.produce(
            f"{topic}.dlq",
            value,
            key.encode(),
            headers=headers,
            on_delivery=lambda _, it: landed.append(f"{it.partition()}-{it.offset()}"),
        )
        assert producer.flush(30) == 0
        return landed[0]

    return put_one


@pytest.mark.kafka
def test_letters_are_counted_by_class(topic: str, put: Put) -> None:
    for key, message in (("a", "TEXT_INVALID: x"), ("b", GONE), ("c", GONE), ("d", "")):
        put(topic, key, message)
    rows = objects(run("list", "--topic", topic, "--json"))
    assert [(row["class"], row["letters"], row["redriven"]) for row in rows] == [
        ("MEDIA_GONE", 2, 0),
        ("TEXT_INVALID", 1, 0),
        ("UNKNOWN", 1, 0),
    ]
    assert rows[0]["example"] == {"place": "0-1", "reason": GONE.removeprefix("MEDIA_GONE: ")}
    assert 0 < rows[0]["first"] <= rows[0]["last"]  # type: ignore[operator]  # numbers
    table = run("list", "--topic", topic).stdout.splitlines()
    assert table[0].split() == ["class", "letters", "redriven", "first", "last"]
    assert table[2] == "  0-1 audio: the store has no such object"


@pytest.mark.kafka
def test_each_letter_is_a_line_that_cannot_steer_the_terminal(topic: str, put: Put) -> None:
    put(topic, "a", GONE)
    put(topic, "b\x1b[2J", "[red]X: \x1b[31m")
    lines = run("list", "--topic", topic, "--each").stdout.splitlines()
    assert lines[0].startswith("0-0 ")
    assert "MEDIA_GONE" in lines[0]
    assert "attempt 1" in lines[0]
    assert "\x1b" not in lines[1]
    limited = objects(run("list", "--topic", topic, "--each", "--limit", 1, "--json"))
    assert [row["key"] for row in limited] == ["a"]
    by_key = objects(run("list", "--topic", topic, "--each", "--key", "a", "--json"))
    assert by_key == limited


@pytest.mark.kafka
def test_a_good_event_that_was_dead_lettered_is_shown_decoded(stacked: Stack, put: Put) -> None:
    with Registry(stacked.settings.registry) as registry:
        schema_id = registry.id_of(schema_of(CONTENT_EVENTS)) or 0
    key = uuid.uuid4().hex
    event = ContentEvent(
        event_id="e", content_id=key, event_time=1, texts=(Text(field="title", text="A river"),)
    )
    place = put(CONTENT_EVENTS, key, GONE, encode_event(event, schema_id))
    (shown,) = objects(run("show", place, "--json"))
    assert shown["record"]["texts"][0]["text"] == "A river"  # type: ignore[index]  # an object
    assert shown["undecodable"] is None
    page = run("show", place).stdout
    assert '"text": "A river"' in page
    assert "traceparent: 00-a-b-01" in page
    assert "00000000  00 " in page


@pytest.mark.kafka
def test_what_cannot_be_decoded_is_shown_as_it_is(put: Put, tmp_path: Path) -> None:
    value = b"not Avro\x00" * 100
    place = put(CONTENT_EVENTS, "stray", "RECORD_UNDECODABLE: record: x", value)
    page = run("show", place, "--raw", tmp_path / "raw").stdout
    assert "no event can be read: record: does not begin with byte 0" in page
    assert "900 bytes, of which 512" in page
    assert "6e 6f 74 20 41 76 72 6f 00" in page
    assert (tmp_path / "raw").read_bytes() == value
    (shown,) = objects(run("show", place, "--json"))
    assert bytes.fromhex(str(shown["value_hex"])) == value[:512]
    assert (shown["class"], shown["record"]) == ("RECORD_UNDECODABLE", None)


@pytest.mark.kafka
def test_a_place_without_a_letter_is_the_users(topic: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"no letter at 0-5 of {topic}\.dlq"):
        run("show", "0-5", "--topic", topic)


@pytest.mark.kafka
def test_a_dry_run_says_what_would_go_and_sends_nothing(topic: str, put: Put) -> None:
    put(topic, "a", GONE)
    put(topic, "b", "OTHER: x")
    told = run("redrive", "--topic", topic, "--class", "MEDIA_GONE", "--dry-run")
    assert told.stdout.endswith(f"1 letter would go to {topic}\n")
    sent = {"redriven": 2, "too_large": 0, "erased": 0}
    assert objects(run("redrive", "--topic", topic, "--json")) == [sent]


@pytest.mark.kafka
def test_what_was_redriven_is_marked_and_a_limit_counts_the_others(topic: str, put: Put) -> None:
    for key in "abc":
        put(topic, key, GONE)
    for left in (2, 1, 0):
        told = run("redrive", "--topic", topic, "--limit", 1)
        assert told.stdout == f"1 letter redriven to {topic}\n"
        rows = objects(run("list", "--topic", topic, "--each", "--json"))
        assert [row["redriven"] for row in rows].count(False) == left
    assert run("redrive", "--topic", topic).stdout == f"0 letters redriven to {topic}\n"


@pytest.mark.kafka
@pytest.mark.parametrize("command", [("list",), ("list", "--each"), ("redrive", "--dry-run")])
def test_a_class_that_nobody_knows_is_refused_and_one_that_a_letter_has_is_not(
    command: tuple[str, ...], topic: str, put: Put
) -> None:
    put(topic, "a", "OF_A_NEWER_ONE: x")
    with pytest.raises(ConfigurationError, match=r"no letter of .* has class MEDIA_NOPE") as caught:
        run(*command, "--topic", topic, "--class", "media_nope")
    assert "MEDIA_GONE" in str(caught.value)
    assert "OF_A_NEWER_ONE" in str(caught.value)
    for known in ("of_a_newer_one", "MEDIA_GONE", "UNKNOWN"):
        assert run(*command, "--topic", topic, "--class", known).exit_code == 0


@pytest.mark.kafka
def test_more_than_a_hundred_are_redriven_only_on_a_yes(topic: str, put: Put) -> None:
    for number in range(101):
        put(topic, str(number))
    declined = run("redrive", "--topic", topic, answer="n\n")
    assert declined.exit_code != 0
    assert f"redrive 101 letters to {topic}?" in declined.stderr
    assert objects(run("list", "--topic", topic, "--json"))[0]["redriven"] == 0
    assert run("redrive", "--topic", topic, answer="y\n").exit_code == 0
    assert objects(run("list", "--topic", topic, "--json"))[0]["redriven"] == 101


@pytest.mark.kafka
def test_a_purge_asks_says_how_many_and_deletes(topic: str, put: Put) -> None:
    put(topic, "a")
    run("redrive", "--topic", topic)
    put(topic, "b")
    declined = run("purge", "--topic", topic, "--until", "0s", answer="n\n")
    assert declined.exit_code != 0
    assert f"delete 2 letters of {topic}.dlq, 1 of them never redriven?" in declined.stderr
    none = run("purge", "--topic", topic, "--until", "1d", "--yes", "--json")
    assert objects(none) == [{"deleted": 0, "never_redriven": 0}]
    assert objects(run("list", "--topic", topic, "--json"))[0]["letters"] == 2
    told = run("purge", "--topic", topic, "--until", "0s", "--yes")
    assert told.stdout == "2 letters deleted, 1 of them never redriven\n"
    assert objects(run("list", "--topic", topic, "--json")) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["purge"], "purge needs --until"),
        (["purge", "--until", "1d", "--class", "X"], "leave out --class, --key"),
        (["purge", "--until", "1d", "--key", "k"], "leave out --class, --key"),
        (["purge", "--until", "1d", "--since", "2d"], "leave out --class, --key"),
        (["list", "--since", "soon"], "'soon' is no time"),
        (["show", "x"], "'x' is no place"),
    ],
)
def test_what_is_asked_wrongly_ends_in_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dlq", *arguments])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
