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
KILLED = """
import os, runpy, signal, sys
from earmark.streams.subscription.iterator import Subscription

left, take = int(sys.argv[1]), Subscription.take

def counting(self):
    global left
    taken = take(self)
    left -= taken is not None
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return taken

Subscription.take = counting
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0])
"""


def test_kills_in_the_middle_lose_nothing_and_double_nothing(
    own_topic: Any, stack_environment: Mapping[str, str], tmp_path: Path
) -> None:
    database = tmp_path / "seen.sqlite"
    for number in range(1005):
        own_topic.put(str(number))
    own_topic.flush()
    example = [str(EXAMPLE), str(database), own_topic.name]
    for after in ("350", "270"):  # fifty, then seventy signals behind a transaction
        killed = run(["-c", KILLED, after, *example], stack_environment)
        assert killed == -signal.SIGKILL
    assert seen(database) == (500, 500)
    assert run(example, stack_environment) == 0
    assert seen(database) == (1005, 1005)


def run(arguments: list[str], environment: Mapping[str, str]) -> int:
    command, whole = [sys.executable, *arguments], {**os.environ, **environment}
    return subprocess.run(command, env=whole, check=False, timeout=120).returncode


def seen(database: Path) -> tuple[int, int]:
    """How many items, and how often in all."""
    with closing(sqlite3.connect(database)) as connection:
        found: tuple[int, int] = connection.execute(
            "SELECT count(*), sum(times) FROM seen"
        ).fetchone()
    return found
