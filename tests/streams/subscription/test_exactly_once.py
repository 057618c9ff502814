"""Hand-over with the position in the reader's own transaction, killed in the middle."""

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
    for number in range(1505):
        own_topic.put(str(number))
    own_topic.flush()
    for after in (200, 300, 400):
        with process(database, own_topic.name, stack_environment) as running:
            assert running.stdout is not None
            while int(running.stdout.readline()) < after:
                pass
            running.send_signal(signal.SIGKILL)
    assert 0 < seen(database)[0] < 1505
    with process(database, own_topic.name, stack_environment) as running:
        running.communicate(timeout=120)
        assert running.returncode == 0
    assert seen(database) == (1505, 1505)


def seen(database: Path) -> tuple[int, int]:
    """How many items, and how often in all."""
    with closing(sqlite3.connect(database)) as connection:
        found: tuple[int, int] = connection.execute(
            "SELECT count(*), sum(times) FROM seen"
        ).fetchone()
    return found
