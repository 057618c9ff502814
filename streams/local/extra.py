"""Parts of the local stack that one asks for by name, beside broker, registry and worker."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from earmark.models.error import ConfigurationError
from earmark.streams.local.agents import AgentsProcess
from earmark.streams.local.process import Child
from earmark.streams.local.web import WebProcess
from earmark.streams.settings import Settings


class Extra(Protocol):
    """A part of the stack as a child process; its log is below the folder that it was given."""

    child: Child

    @property
    def url(self) -> str:
        """Where it answers by HTTP."""

    def start(self) -> None:
        """Start it and wait until it does its work; raises ServiceError where it does not."""

    def launch(self) -> None:
        """Start it without waiting; raises ServiceError where that is not possible now."""

    def is_ready(self) -> bool:
        """Whether it does its work."""

    def stop(self) -> None:
        """Let it finish what it has and end."""


def _agents(settings: Settings, log_dir: Path) -> Extra:
    return AgentsProcess(settings, log_dir=log_dir)


def _flink(settings: Settings, log_dir: Path) -> Extra:
    from earmark.streams.flink.process import profile_process  # few stacks have a Flink

    return profile_process(settings, log_dir=log_dir)


def _stats(settings: Settings, log_dir: Path) -> Extra:
    from earmark.streams.flink.process import stats_process  # few stacks have a Flink

    return stats_process(settings, log_dir=log_dir)


def _web(settings: Settings, log_dir: Path) -> Extra:
    return WebProcess(settings, log_dir=log_dir)


# in the order in which they are started
EXTRAS: Mapping[str, Callable[[Settings, Path], Extra]] = {
    "flink": _flink,
    "stats": _stats,
    "agents": _agents,
    "web": _web,
}


def extras_named(text: str | None) -> tuple[str, ...]:
    """The extras of a comma list, as they are started; ConfigurationError for unknown names."""
    wanted = {name.strip() for name in (text or "").split(",")} - {""}
    if unknown := sorted(wanted - set(EXTRAS)):
        raise ConfigurationError(f"--with: unknown {unknown[0]!r}; known: {', '.join(EXTRAS)}")
    return tuple(name for name in EXTRAS if name in wanted)


def require_extras(running: Mapping[str, str], wanted: Sequence[str]) -> None:
    """Raises ConfigurationError where a stack that runs lacks one of those that are wanted."""
    if lacking := [name for name in wanted if name not in running]:
        raise ConfigurationError(
            f"the stack that runs has no {lacking[0]}: run `earmark down`, "
            f"then `earmark up --with {','.join(wanted)}`"
        )
