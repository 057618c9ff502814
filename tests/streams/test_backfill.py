"""A run of sends that ends in any way goes on without loss, on a broker of its own."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from earmark.models.error import ServiceError
from earmark.streams.chaos.ground import Ground, ground
from earmark.streams.commands.produce import produce
from earmark.streams.local.environment import environment
from earmark.streams.settings import load_settings
from earmark.streams.topic import CONTENT_EVENTS

pytestmark = pytest.mark.kafka

EVENTS = 4_000
RATE = 1_500
SENT = f"{EVENTS:,} events sent to content.events.v1\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A broker and a registry that these tests may fill and kill."""
    folder = tmp_path_factory.mktemp("backfill")
    with ground(load_settings(), folder, np.random.default_rng(1)) as made:
        yield made


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    texts = [{"field": "title", "text": "Words"}]
    path.write_text(
        "".join(
            json.dumps({"content_id": f"{tmp_path.name}/{n}", "texts": texts}) + "\n"
            for n in range(EVENTS)
        )
    )
    return path


@pytest.fixture(autouse=True)
def _settings(own: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(own.settings).items():
        monkeypatch.setenv(name, value)


def arguments(lines: Path) -> list[str]:
    return [str(lines), "--resume", str(lines.parent / "checkpoint")]


def begin(lines: Path) -> subprocess.Popen[str]:
    """A process that sends the lines, once it has noted that some were acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-m", "earmark", "produce", *arguments(lines), "--rate", str(RATE)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while acknowledged(lines) == 0:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def go_on(lines: Path) -> Result:
    return CliRunner().invoke(produce, arguments(lines), catch_exceptions=False)


def acknowledged(lines: Path) -> int:
    try:
        said = json.loads((lines.parent / "checkpoint").read_text())
    except (OSError, ValueError):
        return 0
    return int(said["standing"]["sent"])


def records(own: Ground, lines: Path) -> dict[str, list[bytes]]:
    """The values on the topic, by item, of the test whose lines these are."""
    consumer = Consumer(
        {
            "bootstrap.servers": own.settings.kafka.bootstrap_servers,
            "group.id": "test",
            "enable.partition.eof": True,
        }
    )
    partitions = consumer.list_topics(CONTENT_EVENTS).topics[CONTENT_EVENTS].partitions
    consumer.assign([TopicPartition(CONTENT_EVENTS, p, OFFSET_BEGINNING) for p in partitions])
    found: dict[str, list[bytes]] = defaultdict(list)
    ended = 0
    while ended < len(partitions):
        for message in consumer.consume(1_000, 1):
            if (error := message.error()) is not None:
                assert error.code() == KafkaError._PARTITION_EOF
                ended += 1
            elif (key := (message.key() or b"").decode()).startswith(lines.parent.name):
                found[key].append(message.value() or b"")
    consumer.close()
    return found


def test_after_a_kill_nothing_is_lost_and_what_is_sent_twice_is_the_same(
    own: Ground, lines: Path
) -> None:
    process = begin(lines)
    process.kill()
    process.communicate()
    before = acknowledged(lines)
    assert 0 < before < EVENTS
    assert go_on(lines).stdout == SENT
    found = records(own, lines)
    assert len(found) == EVENTS
    assert all(len(set(values)) == 1 for values in found.values())
    sent = sum(map(len, found.values()))
    assert sent <= 2 * EVENTS - before
    assert "nothing left to send" in go_on(lines).stderr
    assert sum(map(len, records(own, lines).values())) == sent


def test_after_an_interrupt_nothing_is_lost_or_sent_twice(own: Ground, lines: Path) -> None:
    process = begin(lines)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert f"{acknowledged(lines):,} events acknowledged so far" in said
    assert "earmark: interrupted" in said
    assert go_on(lines).stdout == SENT
    assert [len(values) for values in records(own, lines).values()] == [1] * EVENTS


def test_a_broker_that_stays_away_ends_the_run_and_it_goes_on_later(
    own: Ground, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark.streams.producer.DELIVERY_S", 2.0)
    watch = threading.Thread(target=kill_broker_amid, args=(own, lines))
    watch.start()
    paced = [*arguments(lines), "--rate", str(RATE)]
    with pytest.raises(ServiceError, match="was not delivered"):
        CliRunner().invoke(produce, paced, catch_exceptions=False)
    watch.join()
    assert acknowledged(lines) < EVENTS
    while not own.serves:
        time.sleep(0.05)
        own.tend()
    assert go_on(lines).stdout == SENT
    found = records(own, lines)
    assert len(found) == EVENTS
    assert all(len(set(values)) == 1 for values in found.values())


def kill_broker_amid(own: Ground, lines: Path) -> None:
    while acknowledged(lines) == 0:
        time.sleep(0.05)
    own.kill_broker()
