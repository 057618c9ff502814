import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from earmark.streams.local.port import free_port
from earmark.streams.local.process import ProcessId
from earmark.streams.local.registry import answers
from earmark.streams.local.stack import Stack
from earmark.streams.local.state import resolve_settings, running_stack
from earmark.streams.settings import Settings, load_settings
from earmark.streams.topic import topic_states

pytestmark = [pytest.mark.java, pytest.mark.kafka]


def earmark(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command as a user calls it, with a home of its own."""
    return subprocess.run(
        [sys.executable, "-m", "earmark", *arguments],
        env={**os.environ, "EARMARK_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def settings_apart(home: Path) -> Settings:
    """Settings with a home of their own that shares jars and weights with the user's."""
    shared = load_settings().home
    home.mkdir()
    for name in ("jars", "models"):
        (shared / name).mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(shared / name)
    return load_settings(home=home)


@contextmanager
def in_background(home: Path, *options: str) -> Iterator[Settings]:
    """A stack, by default without worker, that `earmark up` started on `home`."""
    settings = settings_apart(home)
    # not the usual ports: they may be in use by the developer's own stack
    ports = (f"--port={free_port()}", f"--registry-port={free_port()}")
    started = earmark("up", *(options or ("--no-worker",)), *ports, home=home)
    try:
        assert started.returncode == 0, started.stderr
        yield settings
    finally:
        earmark("down", home=home)


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with in_background(tmp_path_factory.mktemp("background") / "home") as settings:
        yield settings


def test_a_stack_has_all_topics_and_its_state_file_tells_where_it_is(stack: Stack):
    assert all(topic.partitions for topic in topic_states(stack.settings))
    state = running_stack(stack.home)
    assert state == stack.state
    assert [process.name for process in state.processes] == ["broker", "registry"]


def test_two_stacks_run_side_by_side_and_each_is_found_by_its_home(
    stack: Stack, background: Settings
):
    found = resolve_settings(background)
    assert found.kafka.bootstrap_servers != stack.settings.kafka.bootstrap_servers
    assert all(topic.partitions for topic in topic_states(found))
    assert running_stack(stack.home) is not None


def test_up_does_nothing_where_a_stack_runs(background: Settings):
    before = running_stack(background.home)
    again = earmark("up", "--no-worker", "--json", home=background.home)
    assert json.loads(again.stdout)["bootstrap_servers"] == before.bootstrap_servers
    assert running_stack(background.home) == before


def test_a_part_that_ends_is_started_again(background: Settings):
    broker = running_stack(background.home).process("broker")
    broker.find().kill()
    assert renewed(background.home, "broker", broker).pid != broker.pid
    assert all(topic.partitions for topic in topic_states(resolve_settings(background)))


def test_down_ends_all_processes_of_the_stack_and_only_them(stack: Stack, tmp_path: Path):
    home = tmp_path / "home"
    with in_background(home):
        state = running_stack(home)
        assert {process.name for process in state.processes} == {"stack", "broker", "registry"}
        assert earmark("down", "--purge", home=home).stdout.startswith("stopped\n")
        assert not any(process.find() for process in state.processes)
        assert {path.name for path in home.iterdir()} == {"jars", "models", "stack.lock"}
        assert running_stack(stack.home) is not None
        assert earmark("down", home=home).stdout == "no local stack was running\n"


def test_the_parts_end_when_the_process_that_keeps_them_is_killed(tmp_path: Path):
    with in_background(tmp_path / "home"):
        state = running_stack(tmp_path / "home")
        os.kill(state.process("stack").pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(process.find() for process in state.processes):
            assert time.monotonic() < deadline, "still running"
            time.sleep(0.05)


def test_a_stack_that_cannot_start_says_why_in_a_few_lines(stack: Stack, tmp_path: Path):
    home = settings_apart(tmp_path / "home").home
    taken = stack.settings.kafka.bootstrap_servers.rpartition(":")[2]
    failed = earmark("up", "--no-worker", "--port", taken, home=home)
    assert failed.returncode == 1
    assert f"port {taken} on 127.0.0.1 is in use" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert running_stack(home) is None


def renewed(home: Path, name: str, old: ProcessId) -> ProcessId:
    """The process called `name` once it is another than `old`."""
    deadline = time.monotonic() + 120
    while True:
        state = running_stack(home)
        found = state.process(name) if state else None
        if found and found != old:
            return found
        assert time.monotonic() < deadline, f"{name} was not started again"
        time.sleep(0.1)


@pytest.mark.weights
def test_the_worker_of_a_stack_that_dies_is_started_again_and_up_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EARMARK_WORKER__SIGNALS", '["text.language"]')
    home = tmp_path / "home"
    with in_background(home, "--worker"):
        first = running_stack(home).process("worker")
        port = urlsplit(running_stack(home).worker_url).port
        assert answers(port, "/readyz")
        first.find().kill()
        second = renewed(home, "worker", first)
        assert answers(port, "/readyz")
        said = (home / "logs" / "stack.log").read_text()
        assert "worker has ended (killed by SIGKILL); starting it again in" in said
        assert "worker runs again" in said
    assert second.find() is None
