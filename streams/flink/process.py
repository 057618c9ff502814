"""A job as a child process: what the local stack keeps, and tests kill."""

import signal
import time
from pathlib import Path

import psutil

from earmark.models.error import ServiceError
from earmark.streams.flink.host import command_of
from earmark.streams.flink.job_folder import JobFolder, JobNote
from earmark.streams.flink.order import Order
from earmark.streams.flink.rest import Rest
from earmark.streams.flink.runtime import find_runtime
from earmark.streams.local.environment import environment
from earmark.streams.local.process import Child
from earmark.streams.settings import Settings

READY_S = 300.0  # a JVM, a plan and forty tasks, on a machine that may be busy
STOP_S = 60.0  # for a savepoint


class JobProcess:
    """The driver of `order` with a Flink inside; its log is `<log_dir>/<name>.log`."""

    def __init__(self, order: Order, settings: Settings, *, log_dir: Path) -> None:
        self.name = order.kind
        self._folder = JobFolder(settings.state_folder, order.kind)
        self.child = Child(
            f"{order.kind} job",
            command_of(order),
            log=log_dir / f"flink-{order.kind}.log",
            environment=environment(settings),
            farewell=signal.SIGKILL,  # it is made to be killed; a savepoint needs the broker
        )

    @property
    def note(self) -> JobNote | None:
        """Where the job of this very process runs; None as long as it does not."""
        note = self._folder.read()
        process = note.process if note else None
        if process is None or process.find() is None or process.pid != self.child.pid:
            return None
        return note

    @property
    def url(self) -> str:
        """Where its Flink answers; nothing as long as it does not."""
        note = self.note
        return note.url if note else ""

    @property
    def cpu_s(self) -> float:
        """The processor time that it and its JVM have taken, in seconds."""
        driver = psutil.Process(self.child.pid)
        times = (each.cpu_times() for each in (driver, *driver.children(recursive=True)))
        return float(sum(each.user + each.system for each in times))

    def start(self) -> None:
        """Start it and wait until it reads; ServiceError if it ends before."""
        self.launch()
        self.child.wait_until(self.is_ready, READY_S)

    def launch(self) -> None:
        """Start it without waiting."""
        self.child.start()

    def is_ready(self) -> bool:
        """Whether all its tasks run."""
        note = self.note
        try:
            return note is not None and Rest(note.url).runs(note.job_id)
        except ServiceError:
            return False

    def stop(self) -> None:
        """End it with a savepoint."""
        self.child.stop(grace_s=STOP_S)

    def kill(self) -> None:
        """End it as a crash would, and its JVM with it."""
        self.child.kill()


def profile_process(settings: Settings, *, log_dir: Path) -> JobProcess:
    """The profile job for the local stack; raises ConfigurationError where Flink is missing."""
    find_runtime(settings)
    return JobProcess(Order(kind="profile"), settings, log_dir=log_dir)


def stats_process(settings: Settings, *, log_dir: Path) -> JobProcess:
    """The live stats job for the local stack, from this hour on; raises as `profile_process`."""
    find_runtime(settings)
    order = Order(kind="stats", options={"from_ms": int(time.time() * 1000)})
    return JobProcess(order, settings, log_dir=log_dir)
