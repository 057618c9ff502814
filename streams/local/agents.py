"""The agents of the local stack: `earmark agents` as a child process."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from earmark.streams.local.environment import environment
from earmark.streams.local.port import HOST, free_port, require_free
from earmark.streams.local.process import Child
from earmark.streams.local.registry import answers
from earmark.streams.settings import Settings

READY_S = 120.0  # on a machine that may be busy
COMMAND = (sys.executable, "-m", "earmark", "agents")


class AgentsProcess:
    """Agents for `settings`, their views on the configured or any free port.

    The log is `<log_dir>/<name>.log`. `command` starts them, `earmark agents` by default.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        log_dir: Path,
        name: str = "agents",
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.port = settings.agents.http_port or free_port()
        here = settings.agents.model_copy(update={"http_port": self.port, "http_host": HOST})
        self.child = Child(
            name,
            list(command),
            log=log_dir / f"{name}.log",
            environment=environment(settings.model_copy(update={"agents": here})),
            farewell=signal.SIGKILL,  # they are made to be killed; leaving well needs the broker
        )

    @property
    def url(self) -> str:
        """Where /verdicts, /policies, /health and /metrics are."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start them and wait until they take records; ServiceError if they end before."""
        self.launch()
        self.child.wait_until(self.is_ready, READY_S)

    def launch(self) -> None:
        """Start them without waiting; ServiceError if their port is taken."""
        require_free(self.port, "agents")
        self.child.start()

    def is_ready(self) -> bool:
        """Whether they take records now."""
        return answers(self.port, "/readyz")

    def stop(self) -> None:
        """Let them finish what they have and end."""
        self.child.stop(grace_s=60)

    def kill(self) -> None:
        """End them as a crash would."""
        self.child.kill()
