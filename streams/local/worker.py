"""The worker of the local stack: `earmark worker` as a child process."""

from collections.abc import Sequence
from pathlib import Path

from earmark.streams.local.service import Service
from earmark.streams.settings import Settings

READY_S = 300.0  # models load from disk, on a machine that may be busy


class WorkerProcess(Service):
    """A worker for `settings`: /healthz, /readyz and /metrics under its `url`.

    Its log is `<log_dir>/worker.log`. `command` starts it, `earmark worker` by default.
    """

    def __init__(
        self, settings: Settings, *, log_dir: Path, command: Sequence[str] | None = None
    ) -> None:
        super().__init__(
            settings,
            name="worker",
            section="worker",
            log_dir=log_dir,
            ready_s=READY_S,
            command=command,
        )
