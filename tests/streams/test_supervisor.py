"""The supervisor, on real processes: what it starts again, what it leaves, what it passes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from earmark.streams.local.environment import environment
from earmark.streams.local.port import free_port
from earmark.streams.local.process import Child
from earmark.streams.local.registry import answers
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import READY_S
from earmark.streams.settings import with_worker
from earmark.streams.supervisor import EXIT_BREAKER, Backoff, ending

# Supervises a program that writes a line to the file `lives` whenever it starts.
SUPERVISE = """
import sys
from earmark.streams.log import configure_logging
from earmark.streams.supervisor import Backoff, Supervisor
configure_logging()
backoff = Backoff(draw=lambda least, most: {pause_s})
command = [sys.executable, "-c", {child!r}]
sys.exit(Supervisor(command, backoff=backoff, stop_grace_s=2).run())
"""
BORN = "import os, signal, sys, time; print(os.getpid(), file=open('lives', 'a'), flush=True);"
DRAINS = (
    "import signal, sys, time; "
    "leave = lambda *_: (time.sleep(.3), print('drained'), sys.exit()); "
    "signal.signal(signal.SIGTERM, leave); "
    f"{BORN} time.sleep(60)"
)


def supervise(child: str, folder: Path, *, pause_s: float = 0.05) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISE.format(child=child, pause_s=pause_s)],
        cwd=folder,
        start_new_session=True,  # as a shell gives each of its jobs a group
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def lives(folder: Path) -> list[int]:
    """The process ids of the children so far."""
    file = folder / "lives"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def ended(supervisor: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, errors = supervisor.communicate(timeout=30)
    return supervisor.returncode, output, errors


def test_a_child_that_ends_with_an_error_is_started_again_until_it_ends_well(
    tmp_path: Path,
) -> None:
    fails_twice = f"{BORN} sys.exit(0 if len(open('lives').readlines()) == 3 else 1)"
    status, _, errors = ended(supervise(fails_twice, tmp_path))
    assert (status, len(lives(tmp_path))) == (0, 3)
    assert errors.count("exit status 1") == 2


def test_a_child_that_a_signal_kills_is_started_again_and_the_signal_is_named(
    tmp_path: Path,
) -> None:
    dies_once = f"{BORN} len(open('lives').readlines()) > 1 or os.kill(os.getpid(), 11)"
    status, _, errors = ended(supervise(dies_once, tmp_path))
    assert (status, len(lives(tmp_path))) == (0, 2)
    assert "killed by SIGSEGV" in errors


@pytest.mark.parametrize("hopeless", [2, EXIT_BREAKER])
def test_a_child_that_a_new_start_cannot_help_is_left_and_its_status_passed_on(
    tmp_path: Path, hopeless: int
) -> None:
    status, _, _ = ended(supervise(f"{BORN} sys.exit({hopeless})", tmp_path))
    assert (status, len(lives(tmp_path))) == (hopeless, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_passed_on_and_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    supervisor = supervise(DRAINS, tmp_path)
    assert eventually(lambda: bool(lives(tmp_path)))
    os.killpg(supervisor.pid, number)  # Ctrl-C reaches all of the group
    status, output, errors = ended(supervisor)
    assert (status, output, len(lives(tmp_path))) == (0, "drained\n", 1)
    assert "KeyboardInterrupt" not in errors


def test_a_child_that_does_not_stop_is_killed_in_the_end(tmp_path: Path) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {BORN} time.sleep(60)"
    supervisor = supervise(deaf, tmp_path)
    assert eventually(lambda: bool(lives(tmp_path)))
    supervisor.terminate()
    status, _, errors = ended(supervisor)
    assert status == 128 + signal.SIGKILL
    assert "killed by SIGKILL" in errors


def test_a_stop_between_two_lives_ends_the_wait(tmp_path: Path) -> None:
    supervisor = supervise(f"{BORN} sys.exit(1)", tmp_path, pause_s=60)
    assert eventually(lambda: bool(lives(tmp_path)))
    time.sleep(0.5)
    supervisor.terminate()
    assert ended(supervisor)[0] == 0
    assert len(lives(tmp_path)) == 1


def test_the_child_does_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    supervisor = supervise(DRAINS, tmp_path)
    assert eventually(lambda: bool(lives(tmp_path)))
    supervisor.kill()
    ended(supervisor)
    assert eventually(lambda: not _runs(lives(tmp_path)[0]))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_pauses_double_to_a_minute_and_begin_anew_after_a_good_life() -> None:
    longest = Backoff(draw=lambda _, most: most)
    assert [longest.pause_s(1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert longest.pause_s(299) == 60
    assert longest.pause_s(300) == 1


def test_pauses_differ_from_worker_to_worker() -> None:
    pauses = {Backoff().pause_s(1) for _ in range(20)}
    assert len(pauses) > 1
    assert all(0.5 <= pause <= 1 for pause in pauses)


def test_every_end_has_words() -> None:
    assert ending(1) == "exit status 1"
    assert ending(-9) == "killed by SIGKILL"
    assert ending(-40) == "killed by signal 40"


def worker_command(*options: str, home: Path, **settings: str) -> "subprocess.Popen[str]":
    """`earmark worker` with neither broker nor registry."""
    nowhere = {
        "EARMARK_HOME": str(home),
        "EARMARK_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "EARMARK_REGISTRY__URL": "http://127.0.0.1:1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "earmark", "worker", *options],
        env=os.environ | nowhere | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_gives_up_where_the_settings_are_wrong(tmp_path: Path) -> None:
    wrong = {"EARMARK_KAFKA__GROUP_PROTOCOL": "gossip"}
    status, _, errors = ended(worker_command("--supervise", home=tmp_path, **wrong))
    assert status == 2
    assert errors.count("worker started") == 1
    assert "earmark: setting kafka.group_protocol" in errors


def test_the_command_stays_light_and_gives_its_child_the_other_options(tmp_path: Path) -> None:
    options = ["--device", "cpu", "--slot", "7", "--http-port", "0"]
    supervisor = worker_command(*options[:2], "--supervise", *options[2:], home=tmp_path)
    itself = psutil.Process(supervisor.pid)
    assert eventually(lambda: any("earmark" in arguments for arguments in _commands(itself)))
    assert sorted(_commands(itself)[0][4:]) == sorted(options)
    libraries = [Path(mapped.path).name for mapped in itself.memory_maps()]
    assert not [name for name in libraries if "torch" in name or "rdkafka" in name]
    supervisor.terminate()  # the child is still loading and takes no leave
    assert ended(supervisor)[0] == 0


@pytest.mark.kafka
@pytest.mark.weights
def test_a_worker_that_is_killed_is_back_and_drains_when_its_supervisor_is_asked(
    stack: Stack, tmp_path: Path
) -> None:
    port = free_port()
    settings = with_worker(
        stack.settings, signals=("text.language",), decoders=1, http_port=port, slot="supervised"
    )
    command = [sys.executable, "-m", "earmark", "worker", "--supervise"]
    log = tmp_path / "supervisor.log"
    supervisor = Child("supervisor", command, log=log, environment=environment(settings))
    supervisor.start()
    try:
        supervisor.wait_until(lambda: answers(port, "/readyz"), READY_S)
        first = psutil.Process(supervisor.pid).children()[0]
        first.kill()
        supervisor.wait_until(lambda: not _runs(first.pid), 10)
        supervisor.wait_until(lambda: answers(port, "/readyz"), READY_S)
        second = psutil.Process(supervisor.pid).children()[0]
    finally:
        supervisor.stop(grace_s=90)
    said = log.read_text()
    assert "killed by SIGKILL" in said
    assert said.index('"stopped"') < said.index("exit status 0")
    assert not _runs(second.pid)


@pytest.mark.kafka
@pytest.mark.weights
def test_a_worker_that_is_asked_to_end_while_models_load_ends_well(
    stack: Stack, tmp_path: Path
) -> None:
    settings = with_worker(
        stack.settings, signals=("audio.transcript", "audio.music"), decoders=1, slot="early"
    )
    log = tmp_path / "worker.log"
    command = [sys.executable, "-m", "earmark", "worker"]
    with (
        log.open("w") as written,
        subprocess.Popen(
            command, env=os.environ | environment(settings), stdout=written, stderr=written
        ) as worker,
    ):
        assert eventually(lambda: '"starting"' in log.read_text())
        worker.terminate()
        status = worker.wait(60)
    said = log.read_text()
    assert (status, '"assigned"' in said) == (0, False)
    assert said.splitlines()[-1].count('"stopped"') == 1  # and no word from a runtime that aborts


def test_the_command_brings_neither_torch_nor_kafka_along() -> None:
    code = "import sys, earmark.streams.commands.worker; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = shown.stdout.split()
    assert not {"torch", "numpy", "confluent_kafka", "pydantic"} & set(loaded)


def _commands(parent: psutil.Process) -> list[list[str]]:
    """The command lines of its children, once they have become what they are started for."""
    found = [child.cmdline() for child in parent.children()]
    return [arguments for arguments in found if "-m" in arguments and "-I" not in arguments]
