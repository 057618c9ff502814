"""The agents of the local stack: `earmark agents` as a child process."""

from collections.abc import Sequence
from pathlib import Path

from earmark.streams.local.service import Service
from earmark.streams.settings import Settings

READY_S = 120.0  # on a machine that may be busy


class AgentsProcess(Service):
    """Agents for `settings`: /verdicts, /policies, /health and /metrics under their `url`.

    The log is `<log_dir>/<name>.log`. `command` starts them, `earmark agents` by default.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        log_dir: Path,
        name: str = "agents",
        command: Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            settings,
            name="agents",
            section="agents",
            log_dir=log_dir,
            log_name=name,
            ready_s=READY_S,
            command=command,
        )
