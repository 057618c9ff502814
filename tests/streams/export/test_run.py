"""Exports from a broker."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest
from click.testing import CliRunner

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.commands.export import export as command_line
from earmark.streams.export.folder import ExportFolder
from earmark.streams.export.run import Asked, compacted_since_ms, export
from earmark.streams.topic import Cluster, describe_cluster

pytestmark = [pytest.mark.kafka]


def exported(topic: Any, folder: Path, **asked: Any) -> dict[str, Any]:
    """The counts of the topic in the report."""
    done = export(topic.settings, folder, Asked(topics=[topic.name], **asked), unreported)
    counts: dict[str, Any] = done["signals"][topic.name]
    return counts


def unreported(label: str, done: int, total: int | None) -> None:
    pass


def rows(folder: Path) -> list[dict[str, Any]]:
    """All that a reader of the data set finds."""
    data = pyarrow.dataset.dataset(folder, partitioning="hive")
    found: list[dict[str, Any]] = data.to_table().to_pylist()
    return found


def severities(folder: Path) -> dict[str, int]:
    return {row["kafka_key"]: row["severity"] for row in rows(folder)}


def publish(topic: Any, *records: tuple[str, int | None]) -> int:
    """The time when the broker has them, before anything that is published later."""
    for key, severity in records:
        if severity is None:
            topic.put_bytes(key, None)
        else:
            topic.put(key, severity=severity)
    topic.flush()
    now_ms = time.time_ns() // 1_000_000 + 1
    while time.time_ns() // 1_000_000 <= now_ms:  # the broker's clock is this one
        time.sleep(0.001)
    return now_ms


def test_what_was_published_is_what_is_read_back(own_topic: Any, tmp_path: Path) -> None:
    own_topic.put("a", scores={"hate": 0.25}, labels=["hate"], severity=4, language=None)
    own_topic.put_bytes("b", b"not Avro")
    own_topic.put_bytes("c", None)
    own_topic.flush()
    counts = exported(own_topic, tmp_path)
    assert counts == {"records": 2, "new": 2, "deleted": 1, "unreadable": 1, "files": 1}
    row, deletion = sorted(rows(tmp_path), key=lambda row: row["kafka_key"])
    sent = own_topic.record("a", scores={"hate": 0.25}, labels=["hate"], severity=4, language=None)
    assert (row["scores"], row["labels"], row["severity"]) == ([("hate", 0.25)], ["hate"], 4)
    assert row["provenance"] == sent["provenance"]
    assert row["event_time"].timestamp() * 1000 == sent["event_time"]
    assert row["day"] == str(row["kafka_timestamp"].date())
    assert (deletion["kafka_deleted"], deletion["content_id"]) == (True, None)


def test_called_again_it_adds_what_has_come_since(own_topic: Any, tmp_path: Path) -> None:
    publish(own_topic, ("a", 1), ("b", 2))
    assert exported(own_topic, tmp_path)["records"] == 2
    again = exported(own_topic, tmp_path)
    assert (again["files"], again["new"]) == (1, 0)
    publish(own_topic, ("a", 3))
    more = exported(own_topic, tmp_path)
    assert (more["records"], more["new"]) == (3, 1)
    assert Counter(row["kafka_key"] for row in rows(tmp_path)) == {"a": 2, "b": 1}


def test_bounds_are_times_of_arrival(own_topic: Any, tmp_path: Path) -> None:
    since = publish(own_topic, ("a", 1))
    until = publish(own_topic, *((f"b{number}", 2) for number in range(20)))
    publish(own_topic, ("c", 3))
    asked = {"since": "then", "since_ms": since, "file_records": 5}
    exported(own_topic, tmp_path, **asked, until_ms=until)
    assert {row["severity"] for row in rows(tmp_path)} == {2}
    exported(own_topic, tmp_path, **asked)
    assert Counter(row["severity"] for row in rows(tmp_path)) == {2: 20, 3: 1}
    with pytest.raises(ConfigurationError, match="from was 'then' and is None"):
        exported(own_topic, tmp_path)


def test_as_of_a_moment_is_what_stood_then_without_what_was_erased_since(
    own_topic: Any, tmp_path: Path
) -> None:
    then = publish(own_topic, ("a", 1), ("a", 2), ("b", 1), ("c", 1), ("gone", 1), ("gone", None))
    publish(own_topic, ("a", 7), ("c", None), ("c", 7), ("new", 7))
    assert exported(own_topic, tmp_path, as_of_ms=then)["records"] == 2
    assert severities(tmp_path) == {"a": 2, "b": 1}
    publish(own_topic, ("b", None))
    assert exported(own_topic, tmp_path, as_of_ms=then)["files"] == 1
    assert severities(tmp_path) == {"a": 2}
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".sqlite"] == []


def test_a_file_that_cannot_be_written_ends_in_one_line(own_topic: Any, tmp_path: Path) -> None:
    publish(own_topic, ("a", 1))
    with ExportFolder(tmp_path, {"from": None, "as_of_ms": None}, cluster_of(own_topic)) as folder:
        folder.commit((), offsets={}, unreadable={})
    (tmp_path / f"signal={own_topic.name}").touch()  # where a folder should be
    with pytest.raises(ServiceError, match=re.escape(str(tmp_path))):
        exported(own_topic, tmp_path)


def cluster_of(topic: Any) -> str:
    return describe_cluster(topic.settings.kafka, lambda _: False).id


def test_history_before_the_lag_of_compaction_may_have_holes() -> None:
    configs = {
        "compacted": {"cleanup.policy": "compact", "min.compaction.lag.ms": "600"},
        "kept": {"cleanup.policy": "delete", "min.compaction.lag.ms": "0"},
    }
    assert compacted_since_ms(Cluster(id="x", configs=configs), 1000) == 400
    assert compacted_since_ms(Cluster(id="x", configs={"kept": configs["kept"]}), 1000) is None


KILLED = """
import os, signal, sys

left, fsync = int(sys.argv[1]), os.fsync

def counting(file):
    global left
    fsync(file)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync = counting
from earmark.streams.cli import main
main(sys.argv[2:])
"""


def test_kills_lose_nothing_and_double_nothing(
    own_topic: Any, stack_environment: Mapping[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    for number in range(2000):
        own_topic.put(str(number), severity=number % 8)
    own_topic.flush()
    ask = ["export", "--parquet", str(folder), own_topic.name, "--file-records", "100", "--json"]
    environment = {**os.environ, **stack_environment}
    for after in ("6", "13"):  # with a part on disk, then with the manifest that lists it
        command = [sys.executable, "-c", KILLED, after, *ask]
        killed = subprocess.run(command, env=environment, check=False, timeout=120)
        assert killed.returncode == -signal.SIGKILL
        assert 0 < len(severities(folder)) < 2000
    told = CliRunner().invoke(command_line, ask[1:], catch_exceptions=False)
    assert json.loads(told.stdout)["signals"][own_topic.name]["records"] == 2000
    found = [(row["kafka_key"], row["severity"]) for row in rows(folder)]
    assert sorted(found) == sorted((str(number), number % 8) for number in range(2000))


@pytest.mark.usefixtures("stack_environment")
def test_the_command_says_what_is_there_and_refuses_what_cannot_be(
    own_topic: Any, tmp_path: Path
) -> None:
    publish(own_topic, ("a", 1), ("a", None))
    ask = ["--parquet", str(tmp_path / "export"), own_topic.name]
    told = CliRunner().invoke(command_line, ask, catch_exceptions=False)
    assert f"{own_topic.name}: 2 records in 1 file, 1 of them deletions" in told.stdout
    told = CliRunner().invoke(command_line, ask, catch_exceptions=False)
    assert "2 records in 1 file, none of them new, 1 of them deletions" in told.stdout
    told = CliRunner().invoke(command_line, [*ask, "--as-of", "1h", "--from", "2h"])
    assert (told.exit_code, "leave out" in told.stderr) == (2, True)
    with pytest.raises(ConfigurationError, match="any bytes"):
        CliRunner().invoke(command_line, [*ask[:2], "dead-letters"], catch_exceptions=False)
