"""The inspector of the local stack: `earmark web` as a child process."""

from pathlib import Path

from earmark.streams.local.service import Service, command_line
from earmark.streams.settings import Settings

READY_S = 120.0  # on a machine that may be busy


class WebProcess(Service):
    """The inspector for `settings`, its pages under `url`.

    Where nothing says who may change things, everybody on this machine may: its broker asks nobody
    either. The log is `<log_dir>/web.log`.
    """

    def __init__(self, settings: Settings, *, log_dir: Path) -> None:
        is_open = not settings.web.tokens and settings.web.user_header is None
        super().__init__(
            settings,
            name="web",
            section="web",
            log_dir=log_dir,
            ready_s=READY_S,
            command=[*command_line("web"), *(["--operator"] if is_open else [])],
            ready_path="/healthz",
        )
