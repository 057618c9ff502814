import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from earmark.models.error import ServiceError
from earmark.streams.local.port import free_port, is_free, require_free
from earmark.streams.local.process import Child, ProcessId

SLEEP = "import time; print('asleep', flush=True); time.sleep(60)"


def child(code: str, tmp_path: Path) -> Child:
    command = [sys.executable, "-c", code]
    return Child("sleeper", command, log=tmp_path / "sleeper.log", environment=os.environ)


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_a_child_is_ready_when_it_says_so_and_stops_when_asked(tmp_path: Path):
    sleeper = child(SLEEP, tmp_path)
    sleeper.start()
    sleeper.wait_until(lambda: "asleep" in sleeper.log.read_text(), 10)
    assert sleeper.alive
    sleeper.stop()
    assert not sleeper.alive


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path):
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    sleeper = child(deaf, tmp_path)
    sleeper.start()
    sleeper.wait_until(lambda: "asleep" in sleeper.log.read_text(), 10)
    sleeper.stop(grace_s=0.2)
    assert not sleeper.alive


def test_a_child_that_ends_at_its_start_shows_its_last_lines(tmp_path: Path):
    sleeper = child("raise SystemExit('no such luck')", tmp_path)
    sleeper.start()
    with pytest.raises(ServiceError, match=r"sleeper ended as it started(?s:.*)no such luck"):
        sleeper.wait_until(lambda: False, 10)


def test_a_child_that_is_late_is_named(tmp_path: Path):
    sleeper = child(SLEEP, tmp_path)
    sleeper.start()
    with pytest.raises(ServiceError, match=r"not ready in 0\.1 s"):
        sleeper.wait_until(lambda: False, 0.1)
    sleeper.kill()


def test_the_log_of_the_start_before_is_kept(tmp_path: Path):
    for word in ("first", "second"):
        once = child(f"print('{word}')", tmp_path)
        once.start()
        assert eventually(lambda: not once.alive)  # noqa: B023 - asked at once
    assert once.log.read_text() == "second\n"
    assert once.log.with_name("sleeper.log.1").read_text() == "first\n"


if sys.platform == "linux":  # the tether is its kernel's

    def test_a_child_dies_with_its_parent(tmp_path: Path):
        parent = (
            "import sys, os, time, pathlib\n"
            "from earmark.streams.local.process import Child\n"
            f"log = pathlib.Path({str(tmp_path / 'child.log')!r})\n"
            f"command = [sys.executable, '-c', {SLEEP!r}]\n"
            "child = Child('c', command, log=log, environment=os.environ)\n"
            "child.start()\n"
            "child.wait_until(lambda: 'asleep' in log.read_text(), 10)\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(
            [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            orphan = ProcessId.of("orphan", int(process.stdout.readline()))
            process.send_signal(signal.SIGKILL)
        assert eventually(lambda: orphan.find() is None)


def test_a_process_is_known_by_its_start_and_not_by_its_pid_alone():
    here = ProcessId.of("here", os.getpid())
    assert here.find() == psutil.Process()
    assert ProcessId(name="here", pid=here.pid, started=here.started - 60).find() is None


def test_a_port_counts_as_served_only_by_the_process_that_serves_it(tmp_path: Path):
    port = free_port()
    serve = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    server, bystander = child(serve, tmp_path), child(SLEEP, tmp_path)
    server.start()
    bystander.start()
    server.wait_until(lambda: server.listens_on(port), 10)
    assert not bystander.listens_on(port)
    assert not is_free(port)
    assert free_port(port) != port
    with pytest.raises(ServiceError, match=f"broker: port {port} .* in use"):
        require_free(port, "broker")
    server.kill()
    bystander.kill()
    assert free_port(port) == port
