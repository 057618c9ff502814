"""The inspector of the local stack: `earmark web` as a child process."""

import sys
from pathlib import Path

from earmark.streams.local.environment import environment
from earmark.streams.local.port import HOST, free_port, require_free
from earmark.streams.local.process import Child
from earmark.streams.local.registry import answers
from earmark.streams.settings import Settings

READY_S = 120.0  # on a machine that may be busy
COMMAND = (sys.executable, "-m", "earmark", "web")


class WebProcess:
    """The inspector for `settings`, on the configured or any free port.

    Where nothing says who may change things, everybody on this machine may: its broker asks nobody
    either. The log is `<log_dir>/web.log`.
    """

    def __init__(self, settings: Settings, *, log_dir: Path) -> None:
        self.port = settings.web.port or free_port()
        here = settings.web.model_copy(update={"port": self.port, "host": HOST})
        is_open = not settings.web.tokens and settings.web.user_header is None
        self.child = Child(
            "web",
            [*COMMAND, *(["--operator"] if is_open else [])],
            log=log_dir / "web.log",
            environment=environment(settings.model_copy(update={"web": here})),
        )

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers; ServiceError if it ends before."""
        self.launch()
        self.child.wait_until(self.is_ready, READY_S)

    def launch(self) -> None:
        """Start it without waiting; ServiceError if its port is taken."""
        require_free(self.port, "web")
        self.child.start()

    def is_ready(self) -> bool:
        """Whether it answers now."""
        return answers(self.port, "/healthz")

    def stop(self) -> None:
        """Let it end."""
        self.child.stop(grace_s=20)
