"""The table of the latest record of each item."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import earmark
from earmark.models.error import ConfigurationError
from earmark.streams.subscription.latest import LatestTable

pytestmark = [pytest.mark.kafka]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latest.sqlite"


def table(topic: Any, path: Path, **asked: Any) -> LatestTable:
    return earmark.latest(topic.name, path=path, settings=topic.settings, **asked)


def severities(held: LatestTable) -> dict[str, int]:
    return {signal.key: signal.record["severity"] for signal in held}


def publish(topic: Any, *records: tuple[str, int | None]) -> None:
    for key, severity in records:
        if severity is None:
            topic.put_bytes(key, None)
        else:
            topic.put(key, severity=severity)
    topic.flush()


def test_the_last_record_of_an_item_stands_and_a_deletion_removes_it(
    own_topic: Any, path: Path
) -> None:
    publish(own_topic, ("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", None))
    with table(own_topic, path) as held:
        changes = held.update()
        assert (changes.put, changes.removed, changes.anew) == (4, 1, True)
        assert severities(held) == {"a": 3, "c": 4}
        found = held.get("a")
        assert found is not None
        assert found.record == own_topic.record("a", severity=3)
        assert held.get("b") is None


def test_opened_again_it_goes_on_and_answers_without_a_broker(own_topic: Any, path: Path) -> None:
    publish(own_topic, ("a", 1), ("b", 2))
    with table(own_topic, path) as held:
        held.update()
    publish(own_topic, ("b", 5), ("c", 3))
    with table(own_topic, path) as held:
        assert severities(held) == {"a": 1, "b": 2}
        changes = held.update()
        assert (changes.put, changes.anew) == (2, False)
        assert severities(held) == {"a": 1, "b": 5, "c": 3}


def test_it_follows_what_comes_and_says_what_has_changed(own_topic: Any, path: Path) -> None:
    publish(own_topic, ("a", 1))
    with table(own_topic, path) as held:
        changes = held.follow(timeout_s=20)
        assert next(changes).key == "a"
        publish(own_topic, ("b", 2), ("a", None))
        seen = {(change.key, change.deleted) for change in (next(changes), next(changes))}
        assert seen == {("b", False), ("a", True)}
        assert severities(held) == {"b": 2}
        changes.close()


def test_an_item_that_does_not_pass_any_more_is_withdrawn(own_topic: Any, path: Path) -> None:
    publish(own_topic, ("a", 5), ("b", 5), ("a", 1))
    with table(own_topic, path, where="severity>=4") as held:
        held.update()
        assert severities(held) == {"b": 5}


def test_what_cannot_be_read_does_not_leave_the_old_answer_standing(
    own_topic: Any, path: Path
) -> None:
    publish(own_topic, ("a", 1), ("b", 1))
    own_topic.put_bytes("a", b"not Avro")
    own_topic.flush()
    with table(own_topic, path) as held:
        assert held.update().unreadable == 1
        assert held.unreadable == {own_topic.name: 1}
        assert severities(held) == {"b": 1}


def test_after_a_week_away_all_is_read_again_and_what_is_gone_is_removed(
    own_topic: Any, path: Path
) -> None:
    publish(own_topic, ("a", 1))
    with table(own_topic, path) as held:
        held.update()
    with closing(sqlite3.connect(path)) as database, database:  # as if its tombstone was missed
        database.execute("UPDATE facts SET value = '0' WHERE name = 'fed_ms'")
        database.execute("UPDATE records SET content_id = 'erased'")
    with table(own_topic, path) as held:
        changes = held.update()
        assert (changes.put, changes.removed, changes.anew) == (1, 1, True)
        assert severities(held) == {"a": 1}


def test_a_table_of_something_else_is_refused_and_left(own_topic: Any, tmp_path: Path) -> None:
    table(own_topic, tmp_path / "one").close()
    with pytest.raises(ConfigurationError, match="other topics or conditions"):
        table(own_topic, tmp_path / "one", label="hate")
    other = tmp_path / "other"
    other.write_text("my own notes, which are no database at all, nor ever will be one")
    with pytest.raises(ConfigurationError, match="not a table"):
        table(own_topic, other)
    assert other.read_text().startswith("my own notes")


def test_one_process_at_a_time_brings_it_up_to_date(own_topic: Any, path: Path) -> None:
    with table(own_topic, path) as first, table(own_topic, path) as second:
        following = first.follow(timeout_s=20)
        publish(own_topic, ("a", 1))
        next(following)
        with pytest.raises(ConfigurationError, match="another process"):
            second.update()
        assert severities(second) == {"a": 1}
        following.close()


KILLED = """
import os, signal, sys
import earmark
from earmark.streams.subscription.latest_file import LatestFile

left, put = int(sys.argv[1]), LatestFile.put

def counting(*arguments):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    put(*arguments)

LatestFile.put = counting
with earmark.latest(sys.argv[2], path=sys.argv[3]) as table:
    table.update()
"""


def test_a_kill_in_the_middle_loses_and_repeats_nothing(
    own_topic: Any, path: Path, stack_environment: Mapping[str, str]
) -> None:
    for number in range(3000):
        own_topic.put(str(number % 1200), severity=number % 8)
    publish(own_topic, ("7", None))
    environment = {**os.environ, **stack_environment}
    for after in ("1300", "900"):
        command = [sys.executable, "-c", KILLED, after, own_topic.name, str(path)]
        killed = subprocess.run(command, env=environment, check=False, timeout=120)
        assert killed.returncode == -signal.SIGKILL
    with table(own_topic, path) as held:
        assert 800 <= held.update().put < 3000  # what was committed did not come again
        last = {str(number % 1200): number % 8 for number in range(3000)}
        del last["7"]
        assert severities(held) == last


def test_a_database_of_something_else_is_left_as_it_is(own_topic: Any, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE photos (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="it holds photos"):
        table(own_topic, path)
    assert path.read_bytes() == before
