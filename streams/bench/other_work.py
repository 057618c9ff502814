"""How much of the machine is taken by what is not measured."""

import os
import time

import psutil


class OtherWork:
    """How much of the machine is taken by what is neither this process nor started by it."""

    def __init__(self) -> None:
        self._before = self._busy_s()
        self._began_s = time.monotonic()

    def share(self) -> float:
        """The part of all cores, in [0, 1], since the last look or the beginning."""
        busy_s, now_s = self._busy_s(), time.monotonic()
        cores_s = (now_s - self._began_s) * (os.cpu_count() or 1)
        others_s = busy_s - self._before
        self._before, self._began_s = busy_s, now_s
        return min(max(others_s / cores_s, 0.0), 1.0) if cores_s else 0.0

    def _busy_s(self) -> float:
        """Seconds of cores that were others' so far; those of processes that ended are theirs."""
        times = psutil.cpu_times()
        return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice) - sum(
            map(_seconds_of, _family())
        )


def _family() -> list[psutil.Process]:
    this = psutil.Process()
    return [this, *this.children(recursive=True)]


def _seconds_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
