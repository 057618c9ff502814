"""The demo, end to end: the command that a stranger types."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from earmark.streams.demo import Demo
from earmark.streams.demo_text import demo_line, demo_row, demo_table
from earmark.streams.settings import load_settings
from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.topic import CONTENT_EVENTS, signal_topics


@pytest.mark.kafka
@pytest.mark.weights
def test_the_demo_reads_every_signal_of_the_sample_back_from_kafka(tmp_path: Path) -> None:
    home = load_settings().home
    for shared in ("models", "jars"):  # what is fetched once is used by all
        (tmp_path / shared).symlink_to(home / shared)
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "demo", "--once", "--json"],
        cwd=tmp_path,
        env=os.environ | {"EARMARK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert set(summary["signals"]) == set(signal_topics())
    assert all(outcomes.get("OK") for outcomes in summary["signals"].values())
    assert summary["rejections"] == summary["dead_letters"] == 2
    assert summary["latency_ms"]["p50"] <= summary["latency_ms"]["p95"]


def record(key: str, name: str = "text.topics", topic: str = "", **said: Any) -> ReceivedSignal:
    given = {"outcome": "ABSTAINED", "reason": "LANGUAGE_UNSUPPORTED"} | said
    topic = topic or f"signals.{name}.v1"
    return ReceivedSignal(
        name=name, topic=topic, key=key, record=given, partition=0, offset=0, timestamp=2_500
    )


def printed(*records: ReceivedSignal, latency_ms: int | None = 2_500) -> list[str]:
    table = demo_table()
    for received in records:
        table.add_row(*demo_row(received, latency_ms, run_id="48d4abba"))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    return captured.get().splitlines()


def test_on_80_columns_item_signal_reason_and_latency_are_whole_in_one_line() -> None:
    rejected = {"fault": "PRODUCER", "rejection_class": "RECORD_UNDECODABLE", "reason": "long " * 9}
    lines = printed(
        record("48d4abba/comment-rude-es", "audio.spoken_language"),
        record("stray-48d4abba", "rejections", topic="rejections.v1", **rejected),
    )
    assert [line.split() for line in lines[:2]] == [
        ["item", "signal", "outcome", "says", "latency"],
        [
            *("comment-rude-es", "audio.spoken_language"),
            *("ABSTAINED", "LANGUAGE_UNSUPPORTED", "2.5", "s"),
        ],
    ]
    assert "RECORD_UNDECODABLE" in lines[2]
    assert len(lines) == 3


def test_a_record_of_another_item_is_one_line_with_its_whole_id() -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(demo_line(record("ep-1/the-long-name", reason="word " * 30)))
    (line,) = captured.get().splitlines()
    assert line.startswith("ep-1/the-long-name  text.topics  ABSTAINED  word")


def test_a_record_that_is_read_before_its_event_gets_its_latency_all_the_same(
    tmp_path: Path,
) -> None:
    run = Demo(load_settings(), tmp_path)
    item = run.sample.events[-1].content_id
    event = record(item, "content.events", topic=CONTENT_EVENTS)
    shown: list[tuple[str, int | None]] = []
    for received in (record(item), replace(event, timestamp=1_000), record(item, "text.language")):
        run.note(received, lambda it, latency_ms: shown.append((it.name, latency_ms)))
    assert shown == [("text.topics", 1_500), ("text.language", 1_500)]
