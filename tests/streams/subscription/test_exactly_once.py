"""Hand-over with the position in the reader's own transaction, killed in the middle."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kafka]
EXAMPLE = Path(__file__).with_name("exactly_once.py")


def process(database: Path, topic: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, str(EXAMPLE), str(database), topic]
    whole = {**os.environ, **environment}
    return subprocess.Popen(command, env=whole, stdout=subprocess.PIPE, text=True)


def test_three_kills_lose_nothing_and_double_nothing(
    own_topic: Any, stack_environment: Mapping[str, str], tmp_path: Path
) -> None:
    database = tmp_path / "seen.sqlite"
    for number in range(3005):
        own_topic.put(str(number))
    own_topic.flush()
    for after in (200, 400, 600):
        with process(database, own_topic.name, stack_environment) as running:
            assert running.stdout is not None
            while int(running.stdout.readline()) < after:
                pass
            running.send_signal(signal.SIGKILL)
    assert 0 < count(database, "count(*)") < 3005
    with process(database, own_topic.name, stack_environment) as running:
        running.communicate(timeout=120)
        assert running.returncode == 0
    assert count(database, "count(*)") == count(database, "sum(times)") == 3005


def count(database: Path, what: str) -> int:
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute(f"SELECT {what} FROM seen").fetchone()[0])
    finally:
        connection.close()
