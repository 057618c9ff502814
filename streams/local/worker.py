"""The worker of the local stack: `earmark worker` as a child process."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from earmark.streams.local.environment import environment
from earmark.streams.local.port import HOST, free_port, require_free
from earmark.streams.local.process import Child
from earmark.streams.local.registry import answers
from earmark.streams.settings import Settings

READY_S = 300.0  # models load from disk, on a machine that may be busy
COMMAND = (sys.executable, "-m", "earmark", "worker")


class WorkerProcess:
    """A worker for `settings`, its health and metrics on the configured or any free port.

    Its log is `<log_dir>/worker.log`. `command` starts it, `earmark worker` by default.
    """

    def __init__(
        self, settings: Settings, *, log_dir: Path, command: Sequence[str] = COMMAND
    ) -> None:
        self.port = settings.worker.http_port or free_port()
        limits = settings.worker.model_copy(update={"http_port": self.port, "http_host": HOST})
        self.child = Child(
            "worker",
            list(command),
            log=log_dir / "worker.log",
            environment=environment(settings.model_copy(update={"worker": limits})),
            farewell=signal.SIGKILL,  # it is made to be killed; draining needs the broker
        )

    @property
    def url(self) -> str:
        """Where /healthz, /readyz and /metrics are."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it takes events; ServiceError if it ends before."""
        self.launch()
        self.child.wait_until(self.is_ready, READY_S)

    def launch(self) -> None:
        """Start it without waiting; ServiceError if its port is taken."""
        require_free(self.port, "worker")
        self.child.start()

    def is_ready(self) -> bool:
        """Whether it takes events now."""
        return answers(self.port, "/readyz")

    def stop(self) -> None:
        """Let it finish what it has and end."""
        self.child.stop(grace_s=60)

    def kill(self) -> None:
        """End it as a crash would."""
        self.child.kill()
