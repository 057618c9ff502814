"""The machine that a benchmark ran on, as far as its figures depend on it."""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from earmark.models.device import Device
from earmark.models.error import ConfigurationError
from earmark.streams.assembly import available_cores

PACKAGES = (
    *("earmark", "torch", "confluent-kafka", "av", "soxr", "fastavro", "transformers"),
    *("numpy", "ctranslate2", "faster-whisper", "librosa", "soundfile", "torchcodec"),
)
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`cores` are those that this process may use, `load` is what else ran on all of them.

    `versions` are of the packages that figures depend on, as far as they are installed; `settings`
    are those of the run. Figures of the same `identity` can be compared as they are.
    """

    cpu: str
    cores: int
    memory_gb: float
    device: str
    precision: str
    system: str
    python: str
    torch: str
    load: float
    measured_at: str
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)

    def as_object(self) -> dict[str, object]:
        """The machine for JSON."""
        return asdict(self)


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


def machine(device: Device, settings: Mapping[str, object] | None = None) -> Machine:
    """This machine, computing on `device`, in a run with these settings."""
    return Machine(
        cpu=_cpu_name(),
        cores=available_cores(),
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        device=torch.cuda.get_device_name() if device.kind == "cuda" else "cpu",
        precision=device.precision,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=torch.__version__,
        load=round(os.getloadavg()[0], 2),
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=dict(_versions()),
        settings=settings or {},
    )


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue  # a baseline that is not installed


def confine(cores: int) -> None:
    """Keep this process, and all that it starts, to so many cores.

    Raises ConfigurationError where there are fewer.
    """
    usable = sorted(os.sched_getaffinity(0))
    if cores > len(usable):
        raise ConfigurationError(f"--threads {cores}: this process may use {len(usable)} cores")
    os.sched_setaffinity(0, usable[:cores])
    torch.set_num_threads(cores)


def _cpu_name() -> str:
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
