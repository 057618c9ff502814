"""How fast the profile job catches up, and how soon a warm one shows an item's first profile."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from earmark.models.error import ServiceError
from earmark.streams.flink.catalogue import Catalogue
from earmark.streams.flink.order import Order
from earmark.streams.flink.process import JobProcess
from earmark.streams.flink.standing import ProfileReader
from earmark.streams.local.report import Report
from earmark.streams.settings import Settings

CATCH_UP_S = 10.0  # from one checkpoint to the next, where much is to be read and nobody waits
FIRSTS = 20  # signals of new items, one after another, whose profiles are waited for
LONGEST_GAP_S = 1.0  # between them: at any moment between two checkpoints
LOUDNESS = "signals.audio.loudness.v1"
SHOWN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast the job caught up, and how long the first profile of a new item takes.

    `seconds` is from the job's start to when a read_committed reader had all, `cpu_s` the processor
    time of the job's processes until then. `first_s` is the median of the waits from when the
    broker has a signal to when the reader has the profile, `first_longest_s` the longest of them.
    """

    seconds: float
    signals_per_s: float
    cpu_s: float
    cpu_us_per_signal: float
    first_s: float
    first_longest_s: float


def rate(
    settings: Settings,
    order: Callable[..., Order],
    signals: int,
    made: Catalogue,
    reader: ProfileReader,
    settle: Callable[[], int],
    report: Report,
) -> tuple[int, Rate]:
    """What `settle` gives once the job, started now, has read all; and how fast that went.

    It catches up with few checkpoints, is stopped with a savepoint, and goes on with those of a
    job that people wait for.
    """
    log_dir = settings.state_folder / "flink/log"
    job = JobProcess(order(kind="profile", every_s=CATCH_UP_S), settings, log_dir=log_dir)
    try:
        started = time.time()
        job.launch()
        lost = settle()
        seconds, cpu_s = reader.last_s - started, job.cpu_s
        report(f"caught up in {seconds:.1f} s, with {cpu_s:.1f} s of processor time")
        job.stop()
        job = JobProcess(order(kind="profile"), settings, log_dir=log_dir)
        job.start()
        waits = [_first_s(made, reader, number) for number in range(FIRSTS)]
    finally:
        job.kill()
    report(f"a first profile is seen after {statistics.median(waits):.2f} s")
    return lost, Rate(
        seconds=round(seconds, 1),
        signals_per_s=round(signals / seconds),
        cpu_s=round(cpu_s, 1),
        cpu_us_per_signal=round(cpu_s * 1e6 / signals, 1),
        first_s=round(statistics.median(waits), 2),
        first_longest_s=round(max(waits), 2),
    )


def _first_s(made: Catalogue, reader: ProfileReader, number: int) -> float:
    item = f"first-{number}"
    time.sleep(random.uniform(0, LONGEST_GAP_S))  # noqa: S311 - any moment is as good
    made.put(LOUDNESS, item)
    made.flush()
    began = time.monotonic()
    while item not in reader:
        if time.monotonic() - began > SHOWN_S:
            raise ServiceError(f"no profile of a new item in {SHOWN_S:g} s")
        reader.read(0.02)
    return time.monotonic() - began
