"""How much memory the worker and its decode processes hold while it is fed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_S = 0.2
GROWTH_BYTES = 600_000_000  # over the start: for the buffers that settings allow, and for batches
_MARK = "VmHWM:"  # what a process held at most, in kB; proc_pid_status(5)


@dataclass(slots=True, kw_only=True)
class Memory:
    """Resident bytes of a process and its children, as last looked at.

    `peak` is the sum of the most that each of them has ever held, so never less than what all held
    at once: what is held between two looks does not get lost (on Linux; else it does).
    """

    start: int = 0
    peak: int = 0
    end: int = 0
    looked_at: float = 0.0

    @property
    def bounded(self) -> bool:
        """Whether it never held much more than at its start."""
        return self.peak - self.start <= GROWTH_BYTES

    @property
    def as_object(self) -> dict[str, float]:
        """The figures in MB, for JSON."""
        return {
            name: round(held / 1e6, 1)
            for name, held in (("start", self.start), ("peak", self.peak), ("end", self.end))
        }

    def look(self, pid: int) -> None:
        """Take the figures of this moment, unless that was done just now."""
        if time.monotonic() < self.looked_at + LOOK_S:
            return
        self.looked_at = time.monotonic()
        held = list(_held(pid))
        self.end = sum(now for now, _ in held) or self.end
        self.peak = max(self.peak, sum(most for _, most in held))

    def begin(self) -> None:
        """What was seen last is what it starts with."""
        self.start = self.end


def _held(pid: int) -> Iterator[tuple[int, int]]:
    """Bytes that each process of the tree holds, and the most that it held."""
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return  # it has ended
    for process in processes:
        try:
            now = process.memory_info().rss
            yield now, max(now, _most(process.pid))
        except (psutil.Error, OSError):
            continue


def _most(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    for line in status.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(_MARK):
            return 1024 * int(line.removeprefix(_MARK).removesuffix("kB"))
    return 0
