"""A part of the local stack that is a command of ours: a child process that answers over HTTP."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from earmark.streams.local.environment import environment
from earmark.streams.local.port import HOST, free_port, require_free
from earmark.streams.local.process import Child
from earmark.streams.local.registry import answers
from earmark.streams.settings import Settings


def command_line(name: str) -> Sequence[str]:
    """What starts a command of ours, in this environment."""
    return (sys.executable, "-m", "earmark", name)


class Service:
    """The command `name` for `settings`; its HTTP on `port`, or any free one where that is 0.

    `section` of the settings has its `http_port` and `http_host`. The log is
    `<log_dir>/<log_name>.log`. It is ready when `ready_path` says so, within
    `ready_s`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        name: str,
        section: str,
        log_dir: Path,
        ready_s: float,
        log_name: str | None = None,
        command: Sequence[str] | None = None,
        ready_path: str = "/readyz",
    ) -> None:
        own = getattr(settings, section)
        self.port = own.http_port or free_port()
        here = own.model_copy(update={"http_port": self.port, "http_host": HOST})
        self._name, self._ready_s, self._ready_path = name, ready_s, ready_path
        self.child = Child(
            log_name or name,
            list(command or command_line(name)),
            log=log_dir / f"{log_name or name}.log",
            environment=environment(settings.model_copy(update={section: here})),
            farewell=signal.SIGKILL,  # it is made to be killed; leaving well needs the broker
        )

    @property
    def url(self) -> str:
        """Where its pages are: /readyz, /metrics and its own."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready; ServiceError if it ends before."""
        self.launch()
        self.child.wait_until(self.is_ready, self._ready_s)

    def launch(self) -> None:
        """Start it without waiting; ServiceError if its port is taken."""
        require_free(self.port, self._name)
        self.child.start()

    def is_ready(self) -> bool:
        """Whether it takes work now."""
        return answers(self.port, self._ready_path)

    def stop(self) -> None:
        """Let it finish what it has and end."""
        self.child.stop(grace_s=60)

    def kill(self) -> None:
        """End it as a crash would."""
        self.child.kill()
