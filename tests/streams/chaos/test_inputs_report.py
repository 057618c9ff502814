"""What a run over mutated inputs says of itself."""

import subprocess
import sys
from dataclasses import replace

import pytest

from earmark.streams.chaos.inputs_memory import GROWTH_BYTES, Memory
from earmark.streams.chaos.inputs_report import InputReport

GOOD = InputReport(
    inputs=100,
    unanswered=(),
    controls=(),
    ours=("what crashed",),
    signals={"OK": 120},
    rejections={"MEDIA_CORRUPT": 30, "DECODER_CRASHED": 2, "DECODER_STALLED": 1},
    worker_deaths=0,
    longest_gap_s=1.23456,
    memory=Memory(start=1_000_000_000, peak=1_100_000_000, end=1_050_000_000),
    seconds=20.0,
)


def test_the_report_names_all_numbers() -> None:
    assert replace(GOOD, unanswered=("one",)).as_object == {
        "inputs": 100,
        "answered": 99,
        "unanswered": 1,
        "signals": {"OK": 120},
        "rejections": {"DECODER_CRASHED": 2, "DECODER_STALLED": 1, "MEDIA_CORRUPT": 30},
        "decoder_crashes": 2,
        "decoder_stalls": 1,
        "worker_deaths": 0,
        "longest_gap_s": 1.235,
        "memory_mb": {"start": 1000.0, "peak": 1100.0, "end": 1050.0},
        "memory_bounded": True,
        "seconds": 20.0,
        "inputs_per_s": 5.0,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"unanswered": ("one",)},
        {"controls": ("one",)},
        {"worker_deaths": 1},
        {"longest_gap_s": 30.1},
        {"memory": Memory(start=1, peak=GROWTH_BYTES + 2, end=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_run_is_sound_only_when_nothing_is_wrong(change: dict[str, object]) -> None:
    assert GOOD.sound
    assert not replace(GOOD, **change).sound  # type: ignore[arg-type]  # fields vary


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps what a process held at most")
def test_memory_that_was_given_back_before_anyone_looked_is_seen() -> None:
    code = "import sys; len(b'x' * int(2e8)); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        memory = Memory()
        memory.look(process.pid)
        process.communicate(b"")
    assert memory.end < 100_000_000
    assert memory.peak > 200_000_000
