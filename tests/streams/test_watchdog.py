"""The watchdog: a stage that has work and does not move ends the process, and nothing else does."""

import os
import subprocess
import sys
import time

import pytest

from earmark.streams.health import Health, State
from earmark.streams.watchdog import EXIT_STALLED, Watchdog, ending_process, limits_s

FLOW = {"decode": 10.0, "device": 10.0}
START = """
import os, re, sys, threading, time
from earmark.streams.health import Health
from earmark.streams.log import configure_logging
from earmark.streams.watchdog import Watchdog, ending_process
configure_logging()
watchdog = Watchdog(ending_process(Health()), limits_s={"decode": 0.5}, look_s=0.1)
watchdog.stage("decode").begin()
"""


class Watched:
    """A watchdog on a clock that moves when it is told to."""

    def __init__(self, limits_s: dict[str, float] | None = None) -> None:
        self.now = 100.0
        self.stalls: list[tuple[str, float]] = []
        self.watchdog = Watchdog(
            lambda stage, seconds: self.stalls.append((stage, seconds)),
            limits_s=limits_s or FLOW,
            clock=lambda: self.now,
        )
        self.stage = self.watchdog.stage

    def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.watchdog.look()


def test_a_stage_with_work_that_does_not_move_is_named_when_its_limit_has_passed() -> None:
    watched = Watched()
    watched.stage("decode").begin()
    watched.pass_s(10)
    assert watched.stalls == []  # the first look saw the work come in, which is movement
    watched.pass_s(1)
    assert watched.stalls == [("decode", 10.0)]


def test_three_hours_on_one_item_are_no_stall_while_it_moves() -> None:
    watched = Watched()
    watched.stage("decode").begin()
    for _ in range(3 * 3600 // 9):
        watched.stage("decode").moved()
        watched.pass_s(9)
    assert watched.stalls == []


def test_a_stage_without_work_may_rest() -> None:
    watched = Watched()
    stage = watched.stage("decode")
    stage.begin(2)
    stage.end()
    stage.end()
    watched.pass_s(100)
    with stage:
        watched.pass_s(9)
    watched.pass_s(100)
    assert watched.stalls == []


def test_a_rest_does_not_count_against_the_work_after_it() -> None:
    watched = Watched()
    watched.pass_s(9)
    watched.stage("decode").begin()
    watched.pass_s(9)
    watched.stage("decode").end()
    watched.stage("decode").begin()
    watched.pass_s(9)
    assert watched.stalls == []


def test_work_that_keeps_coming_in_does_not_hide_that_none_goes_out() -> None:
    watched = Watched()
    for _ in range(11):
        watched.stage("decode").begin()
        watched.pass_s(1)
    assert watched.stalls == [("decode", 10.0)]


def test_an_end_too_many_leaves_the_next_work_watched() -> None:
    watched = Watched()
    watched.stage("decode").end(3)
    watched.stage("decode").begin()
    watched.pass_s(11)
    assert watched.stalls == [("decode", 10.0)]


def test_of_two_stages_the_one_that_the_other_waits_for_is_named() -> None:
    watched = Watched()
    watched.stage("device").begin()
    watched.stage("decode").begin()
    watched.pass_s(11)
    assert watched.stalls == [("device", 10.0)]


def test_time_in_which_the_whole_process_stood_still_is_no_stall() -> None:
    watched = Watched()
    watched.stage("decode").begin()
    watched.pass_s(1)
    watched.now += 3600  # stopped and continued
    watched.watchdog.look()
    watched.stage("decode").moved()
    watched.pass_s(5)
    assert watched.stalls == []


def test_no_stage_has_a_shorter_limit_than_one_that_it_waits_for() -> None:
    limits = list(limits_s(600).values())
    assert limits == sorted(limits, reverse=True)


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(KeyError, match="transcode"):
        Watched().stage("transcode")


def test_its_thread_looks_by_itself_until_it_is_closed() -> None:
    found: list[str] = []
    limits = {"decode": 0.02, "device": 60.0}
    watchdog = Watchdog(lambda stage, _: found.append(stage), limits_s=limits, look_s=0.01)
    watchdog.start()
    watchdog.stage("decode").begin()
    deadline = time.monotonic() + 10
    while not found and time.monotonic() < deadline:
        time.sleep(0.01)
    watchdog.close()
    seen = len(found)
    time.sleep(0.1)
    assert seen > 0
    assert len(found) == seen


def run(code: str, **streams: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", START + code], text=True, timeout=60, check=False, **streams
    )


def test_a_process_that_hangs_ends_with_its_own_status_and_says_where() -> None:
    ended = run(
        "def bottomless():\n    threading.Event().wait()\nwatchdog.start(); bottomless()",
        stderr=subprocess.PIPE,
    )
    assert ended.returncode == EXIT_STALLED == 75
    assert "stalled" in ended.stderr
    assert "decode" in ended.stderr
    assert " bottomless > " in ended.stderr


def test_a_process_ends_though_its_log_hangs_too() -> None:
    ended = run(
        "import earmark.streams.watchdog as module; module.LAST_WORDS_S = 0.5\n"
        "reader, writer = os.pipe(); os.dup2(writer, 2); os.set_blocking(2, False)\n"
        "try:\n    while True: os.write(2, b'x' * 4096)\n"
        "except BlockingIOError: os.set_blocking(2, True)\n"
        "watchdog.start(); threading.Event().wait()"
    )
    assert ended.returncode == EXIT_STALLED


def test_native_code_that_keeps_the_interpreter_is_ended_as_well() -> None:
    ended = run(
        "watchdog.start(); time.sleep(0.3)\nre.match(r'(a+)+$', 'a' * 60 + 'b')",  # takes years
        stderr=subprocess.PIPE,
    )
    assert ended.returncode == 1
    assert "re/__init__.py" in ended.stderr


def test_a_process_that_moves_or_rests_goes_on() -> None:
    ended = run(
        "watchdog.start(); stage = watchdog.stage('decode')\n"
        "for _ in range(20): time.sleep(0.05); stage.moved()\n"
        "stage.end(); time.sleep(1); watchdog.close(); time.sleep(1.5); print('alive')",
        stdout=subprocess.PIPE,
    )
    assert (ended.returncode, ended.stdout) == (0, "alive\n")


def test_the_reason_stands_in_the_health_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    health = Health()
    ending_process(health)("device", 12.0)
    assert ended == [EXIT_STALLED]
    assert health.condition.state == State.FAILED
    assert "device" in (health.condition.reason or "")
