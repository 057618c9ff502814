"""Dead letters on the real broker: found by class, key and time; redriven once; purged by time."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from datetime import UTC, datetime

import confluent_kafka
import pytest
from confluent_kafka import Message
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not marked for checkers
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from earmark.models.error import ConfigurationError
from earmark.processors.wire import READ_BYTES
from earmark.streams.dead_letter import (
    CommittedReader,
    DeadLetter,
    DeadLetters,
    Place,
    Selection,
    attempt_of,
    delete_before,
    moment_ms,
)
from earmark.streams.error import TransactionError
from earmark.streams.header import Headers
from earmark.streams.kafka import client_config, producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.redrive import Redriven, Redriver, read_markers, redriven_headers
from earmark.streams.settings import KafkaSettings, Settings
from earmark.streams.topic import COMMON, COMPACTED, WHOLE_EVENTS

kafka = pytest.mark.kafka

MANY = 600
ALL = Selection()
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOON_MS = round(NOON.timestamp() * 1000)


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return stack.settings


@pytest.fixture
def topic(settings: Settings) -> str:
    """A topic of its own with its dead letters, both of three partitions."""
    name = f"test.{uuid.uuid4().hex[:8]}"
    admin = AdminClient(client_config(settings.kafka))
    config = COMMON | WHOLE_EVENTS
    wanted = [NewTopic(it, num_partitions=3, config=config) for it in (name, f"{name}.dlq")]
    for made in admin.create_topics(wanted).values():
        made.result(10)
    return name


def failure(topic: str, message: str, *, partition: int = 0, attempt: int = 1) -> Headers:
    own = {
        "__streams.errors.exception": "earmark.processors.error.ContentError",
        "__streams.errors.message": message,
        "__streams.errors.topic": topic,
        "__streams.errors.partition": partition,
        "__streams.errors.offset": 5,
        "earmark.attempt": attempt,
        "earmark.worker": "w",
        "earmark.version": "1",
    }
    return [(name, str(value).encode()) for name, value in own.items()]


def put(
    settings: Settings,
    topic: str,
    key: str | None,
    value: bytes | None = b"value",
    headers: Headers | None = None,
    partition: int = 0,
) -> Place:
    """One letter of `topic`, and where it lies once the broker has it."""
    landed: list[Message] = []
    producer = confluent_kafka.Producer(
        producer_config(settings.kafka, {"message.max.bytes": 4_300_000})
    )
    producer.produce(
        f"{topic}.dlq",
        value,
        None if key is None else key.encode(),
        partition,
        headers=headers or [],
        on_delivery=lambda error, message: landed.append(message) if error is None else None,
    )
    assert producer.flush(30) == 0
    return Place(partition=landed[0].partition() or 0, offset=landed[0].offset() or 0)


def put_many(settings: Settings, topic: str, count: int) -> None:
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    for n in range(count):
        headers = failure(topic, "MEDIA_GONE: audio: gone", partition=n % 3)
        producer.produce(f"{topic}.dlq", b"v", f"k{n}".encode(), (n + 1) % 3, headers=headers)
    assert producer.flush(30) == 0


def selected(settings: Settings, topic: str, selection: Selection = ALL) -> list[DeadLetter]:
    with DeadLetters(settings.kafka, topic) as letters:
        return list(letters.select(selection))


def keys(letters: list[DeadLetter]) -> list[str]:
    return [(letter.key or b"").decode() for letter in letters]


def redrive(settings: Settings, topic: str, selection: Selection = ALL) -> Redriven:
    with DeadLetters(settings.kafka, topic) as letters:
        places = [letter.place for letter in letters.select(selection)]
        return Redriver(settings.kafka, letters).run(places)


def arrived(kafka: KafkaSettings, topic: str) -> list[Message]:
    """What a read_committed reader finds."""
    with CommittedReader(kafka, topic) as reader:
        return [message for span in reader.spans() for message in reader.read(span)]


def letter(headers: Headers) -> DeadLetter:
    place = Place(partition=0, offset=1)
    return DeadLetter(place=place, timestamp=0, key=None, value=None, headers=headers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOON_MS - 7_200_000),
        ("7d", NOON_MS - 7 * 86_400_000),
        ("2026-01-31T12:00:00Z", NOON_MS),
        ("2026-01-31T12:00:00", NOON_MS),
        ("2026-01-31T13:00:00+01:00", NOON_MS),
    ],
)
def test_times_are_read_as_iso_8601_or_as_durations_back(text: str, expected: int) -> None:
    assert moment_ms(text, now=NOON) == expected


@pytest.mark.parametrize("text", ["", "soon", "2", "2y", "-2h", "999999w", "2026-13-01"])
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no time"):
        moment_ms(text, now=NOON)


@pytest.mark.parametrize("text", ["", "3", "3-", "a-b", "-1-2", "3-17-1", "3-" + "9" * 30])
def test_what_is_no_place_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no place"):
        Place.parse(text)


def test_a_place_is_read_as_it_is_written() -> None:
    assert str(Place.parse("3-17")) == "3-17"


@pytest.mark.parametrize(
    ("carried", "attempt"),
    [
        ([], 1),
        ([b"2"], 2),
        ([b"3", b"1"], 3),
        ([None], 1),
        ([b"x"], 1),
        ([b"-4"], 1),
        ([b"9" * 5000], 1),
    ],
)
def test_the_attempt_is_the_highest_that_is_carried(
    carried: list[bytes | None], attempt: int
) -> None:
    assert attempt_of([("earmark.attempt", value) for value in carried]) == attempt


@pytest.mark.parametrize(
    ("message", "error_class", "reason"),
    [
        (b"MEDIA_GONE: audio: gone", "MEDIA_GONE", "audio: gone"),
        (b"java.io.IOException: disk", "java.io.IOException", "disk"),
        (b"it failed", "UNKNOWN", "it failed"),
        (b"\xff\xfe", "UNKNOWN", "\ufffd\ufffd"),
        (None, "UNKNOWN", ""),
    ],
)
def test_the_class_is_the_word_before_the_colon(
    message: bytes | None, error_class: str, reason: str
) -> None:
    found = letter([("__streams.errors.message", message)])
    assert (found.error_class, found.reason) == (error_class, reason)


def test_a_letter_that_failed_again_has_the_latest_class_and_only_its_own_headers() -> None:
    own: Headers = [("traceparent", b"00-a-b-01"), ("x", None), ("x", b"2")]
    again: Headers = [("earmark.attempt", b"2"), ("earmark.redriven-from", b"t.dlq-0-1")]
    found = letter([*own, *again, *failure("t", "MEDIA_CORRUPT: audio: bad")])
    assert found.error_class == "MEDIA_CORRUPT"
    assert found.own_headers == own
    assert redriven_headers(found, topic="t.dlq") == [
        *own,
        ("earmark.attempt", b"2"),
        ("earmark.redriven-from", b"t.dlq-0-1"),
    ]


@kafka
def test_letters_are_selected_by_class_and_key(settings: Settings, topic: str) -> None:
    put(settings, topic, "a", headers=failure(topic, "MEDIA_GONE: audio: gone"))
    put(settings, topic, "b", headers=failure(topic, "MEDIA_CORRUPT: audio: bad"), partition=1)
    put(settings, topic, "c", headers=failure(topic, "MEDIA_GONE: audio: gone"), partition=2)
    put(settings, topic, None)
    assert keys(selected(settings, topic)) == ["a", "", "b", "c"]
    assert keys(selected(settings, topic, Selection(classes=["media_gone"]))) == ["a", "c"]
    assert keys(selected(settings, topic, Selection(classes=["UNKNOWN"]))) == [""]
    assert keys(selected(settings, topic, Selection(keys=["b", "c"]))) == ["b", "c"]
    both = Selection(classes=["MEDIA_GONE"], keys=["b", "c"])
    assert keys(selected(settings, topic, both)) == ["c"]


def three_in_time(settings: Settings, topic: str) -> int:
    """Letters old, new and newest; a time between the first two, in milliseconds."""
    put(settings, topic, "old")
    time.sleep(0.05)
    between = round(time.time() * 1000)
    time.sleep(0.05)
    put(settings, topic, "new")
    put(settings, topic, "newest", partition=2)
    return between


@kafka
def test_letters_are_selected_by_time_of_arrival(settings: Settings, topic: str) -> None:
    between = three_in_time(settings, topic)
    later = between + 3_600_000
    assert keys(selected(settings, topic, Selection(since_ms=between))) == ["new", "newest"]
    assert keys(selected(settings, topic, Selection(until_ms=between))) == ["old"]
    assert keys(selected(settings, topic, Selection(since_ms=later))) == []
    within = Selection(since_ms=between - 3_600_000, until_ms=later)
    assert keys(selected(settings, topic, within)) == ["old", "new", "newest"]


@kafka
def test_letters_of_an_open_or_aborted_transaction_are_not_read(
    settings: Settings, topic: str
) -> None:
    put(settings, topic, "a")
    producer = confluent_kafka.Producer(
        producer_config(settings.kafka, {"transactional.id": f"{topic}-open"})
    )
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(f"{topic}.dlq", b"v", b"aborted", 0)
    producer.flush(10)
    assert keys(selected(settings, topic)) == ["a"]
    producer.abort_transaction(10)
    put(settings, topic, "b")
    assert keys(selected(settings, topic)) == ["a", "b"]


@kafka
def test_a_topic_that_is_not_there_is_said_to_be_missing(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.v1\.dlq .*earmark topics create"):
        selected(settings, "nowhere.v1")


@kafka
def test_a_redrive_keeps_key_value_and_own_headers_and_the_attempts_made(
    settings: Settings, topic: str
) -> None:
    own: Headers = [("traceparent", b"00-a-b-01"), ("empty", None)]
    place = put(settings, topic, "k", b"\x00\xff", own + failure(topic, "X: y", partition=2))
    assert redrive(settings, topic) == Redriven(sent=1)
    (back,) = arrived(settings.kafka, topic)
    assert (back.key(), back.value(), back.partition()) == (b"k", b"\x00\xff", 2)
    assert back.headers() == [
        *own,
        ("earmark.attempt", b"1"),
        ("earmark.redriven-from", f"{topic}.dlq-{place}".encode()),
    ]


@kafka
def test_a_letter_goes_back_to_the_partition_it_came_from(settings: Settings, topic: str) -> None:
    for number in range(3):
        put(settings, topic, "k", headers=failure(topic, "X: y", partition=number))
    redrive(settings, topic)
    assert [message.partition() for message in arrived(settings.kafka, topic)] == [0, 1, 2]


@kafka
def test_a_letter_of_another_producer_is_redriven_by_its_key(
    settings: Settings, topic: str
) -> None:
    stray = [("__streams.errors.topic", topic.encode()), ("__streams.errors.partition", b"77")]
    put(settings, topic, "k", None, stray)
    put(settings, topic, "k", b"v")
    assert redrive(settings, topic) == Redriven(sent=2)
    found = arrived(settings.kafka, topic)
    assert [message.value() for message in found] == [None, b"v"]
    assert len({message.partition() for message in found}) == 1


@kafka
def test_a_letter_is_redriven_once_and_one_left_out_can_go_later(
    settings: Settings, topic: str
) -> None:
    for key, error in (("a", "A: x"), ("b", "B: x"), ("c", "A: x")):
        put(settings, topic, key, headers=failure(topic, error))
    assert redrive(settings, topic, Selection(classes=["A"])).sent == 2
    assert redrive(settings, topic, Selection(classes=["A"])).sent == 0
    assert redrive(settings, topic).sent == 1
    found = Counter(message.key() for message in arrived(settings.kafka, topic))
    assert found == {b"a": 1, b"b": 1, b"c": 1}


@kafka
def test_letters_of_a_topic_that_was_made_anew_are_not_taken_for_the_old_ones(
    settings: Settings, topic: str
) -> None:
    place = put(settings, topic, "a")
    redrive(settings, topic)
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    older = b'{"timestamp": 1, "attempt": 2}'
    producer.produce(f"{topic}.dlq.redriven", older, str(place).encode())
    assert producer.flush(10) == 0
    assert redrive(settings, topic).sent == 1


@kafka
def test_the_topic_of_markers_is_compacted(settings: Settings, topic: str) -> None:
    assert read_markers(settings.kafka, topic) == {}
    put(settings, topic, "a")
    redrive(settings, topic)
    assert len(read_markers(settings.kafka, topic)) == 1
    with CommittedReader(settings.kafka, f"{topic}.dlq.redriven") as reader:
        assert reader.partitions() == [0]
    asked = ConfigResource(ResourceType.TOPIC, f"{topic}.dlq.redriven")
    admin = AdminClient(client_config(settings.kafka))
    config = admin.describe_configs([asked])[asked].result(10)
    assert {name: config[name].value for name in COMPACTED} == COMPACTED


@kafka
def test_a_letter_that_no_broker_would_take_is_left_and_the_others_go(
    settings: Settings, topic: str
) -> None:
    put(settings, topic, "huge", os.urandom(READ_BYTES - 120))  # just fits, without a header
    put(settings, topic, "a")
    assert redrive(settings, topic) == Redriven(sent=1, too_large=1)
    assert [message.key() for message in arrived(settings.kafka, topic)] == [b"a"]


@kafka
def test_a_redrive_that_begins_ends_the_one_before_and_nothing_goes_twice(
    settings: Settings, topic: str
) -> None:
    put_many(settings, topic, 30)
    later: list[Redriven] = []

    def begin_another(_: int) -> None:
        if not later:
            later.append(redrive(settings, topic))

    with DeadLetters(settings.kafka, topic) as letters:
        places = [it.place for it in letters.select(ALL)]
        with pytest.raises(TransactionError, match="another redrive"):
            Redriver(settings.kafka, letters).run(places, batch=10, on_sent=begin_another)
    assert later == [Redriven(sent=20)]
    found = Counter(message.key() for message in arrived(settings.kafka, topic))
    assert found == {f"k{n}".encode(): 1 for n in range(30)}


@kafka
def test_a_redrive_that_is_killed_loses_and_doubles_none(settings: Settings, topic: str) -> None:
    put_many(settings, topic, MANY)
    killed_within: list[int] = []
    for _ in range(3):
        process = start_redrive(settings, topic)
        before = len(arrived(settings.kafka, topic))
        while process.poll() is None and len(arrived(settings.kafka, topic)) < before + 50:
            pass
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        killed_within.append(len(arrived(settings.kafka, topic)))
    assert start_redrive(settings, topic).wait(60) == 0
    found = Counter(message.key() for message in arrived(settings.kafka, topic))
    assert found == {f"k{n}".encode(): 1 for n in range(MANY)}
    assert 0 < killed_within[0] < killed_within[-1]


def start_redrive(settings: Settings, topic: str) -> "subprocess.Popen[bytes]":
    servers = settings.kafka.bootstrap_servers
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "earmark",
            "dlq",
            "redrive",
            "--topic",
            topic,
            "--batch",
            "1",
            "--yes",
        ],
        env=os.environ | {"EARMARK_KAFKA__BOOTSTRAP_SERVERS": servers},
        stdout=subprocess.DEVNULL,
    )


@kafka
def test_a_purge_deletes_only_what_is_older(settings: Settings, topic: str) -> None:
    between = three_in_time(settings, topic)
    with DeadLetters(settings.kafka, topic) as letters:
        spans = letters.spans(until_ms=between)
        assert keys(list(letters.within(spans))) == ["old"]
        delete_before(settings.kafka, letters.topic, spans)
        assert keys(list(letters.select(ALL))) == ["new", "newest"]
        assert list(letters.at([Place(partition=0, offset=0)])) == []
