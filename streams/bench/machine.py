"""The machine that a benchmark ran on, as far as its figures depend on it."""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from earmark.models.device import Device, available_cores
from earmark.models.error import ConfigurationError

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


def machine(device: Device, settings: Mapping[str, object] | None = None) -> Machine:
    """This machine, computing on `device`, in a run with these settings."""
    return Machine(
        cpu=_cpu_name(),
        cores=available_cores(),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
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
