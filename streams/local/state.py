"""The note a running stack leaves, `<home>/stack.json`, by which other commands find it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.local.process import ProcessId
from earmark.streams.settings import Settings

_FILE = "stack.json"
_LOCK = "stack.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """Where a local stack is reached and which processes it is made of.

    `started` is in seconds since the epoch; `worker_url` is None for a stack without a worker.
    `extras` are further parts by name, with where they answer; `media_roots` are the folders that
    its worker reads.
    """

    cluster_id: str
    bootstrap_servers: str
    registry_url: str
    worker_url: str | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
    media_roots: tuple[str, ...] = ()
    started: float
    processes: tuple[ProcessId, ...]

    @property
    def running(self) -> bool:
        """Whether every process of the stack is alive, and is the one that was started."""
        return all(process.find() is not None for process in self.processes)

    def process(self, name: str) -> ProcessId | None:
        """The process called `name`: stack (who keeps the others alive), broker, ..."""
        return next((process for process in self.processes if process.name == name), None)


def write_state(home: Path, state: StackState) -> None:
    """Leave the note, whole or not at all."""
    fresh = home / f".{_FILE}.{os.getpid()}"
    fresh.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    fresh.replace(home / _FILE)


def read_state(home: Path) -> StackState | None:
    """The note as it was left; None if there is none or it is not one of ours."""
    try:
        fields = json.loads((home / _FILE).read_text(encoding="utf-8"))
        processes = tuple(ProcessId(**process) for process in fields.pop("processes"))
        roots = tuple(fields.pop("media_roots", ()))
        return StackState(**fields, media_roots=roots, processes=processes)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def remove_state(home: Path) -> None:
    """Take the note away."""
    (home / _FILE).unlink(missing_ok=True)


def running_stack(home: Path) -> StackState | None:
    """The stack that runs on `home` now, None if none does."""
    state = read_state(home)
    return state if state is not None and state.running else None


def settings_at(settings: Settings, *, bootstrap_servers: str, registry_url: str) -> Settings:
    """`settings` with these addresses in place of those they have."""
    kafka = settings.kafka.model_copy(update={"bootstrap_servers": bootstrap_servers})
    registry = settings.registry.model_copy(update={"url": registry_url})
    return settings.model_copy(update={"kafka": kafka, "registry": registry})


def settings_for(state: StackState, settings: Settings) -> Settings:
    """`settings` with which clients reach the stack."""
    return settings_at(
        settings, bootstrap_servers=state.bootstrap_servers, registry_url=state.registry_url
    )


def resolve_settings(settings: Settings) -> Settings:
    """`settings` for the local stack if one runs and no broker was configured; else unchanged.

    A registry that was configured stays.
    """
    if "bootstrap_servers" in settings.kafka.model_fields_set:
        return settings
    state = running_stack(settings.home)
    if state is None:
        return settings
    own = settings.registry
    url = own.url if "url" in own.model_fields_set else state.registry_url
    return settings_at(settings, bootstrap_servers=state.bootstrap_servers, registry_url=url)


def check_slot(settings: Settings, slot: str | None) -> None:
    """See that a worker by `settings`, with `slot` if given, is not that of the running stack.

    It would take over what that one has in hand, and be ended by its successor. Raises
    ConfigurationError.
    """
    own = {"bootstrap_servers", "group_id"} & settings.kafka.model_fields_set
    state = running_stack(settings.home)
    if own or state is None or state.worker_url is None:
        return
    if slot in (None, settings.kafka.slot):
        raise ConfigurationError(
            f"the worker of `earmark up` has slot {settings.kafka.slot}: give this one its own, "
            "as in --slot 1"
        )


def reading_as_stack(settings: Settings) -> Settings:
    """`settings` that read the files which the worker of the running stack reads.

    Unchanged where they name their own folders, or other brokers than the stack's.
    """
    state = running_stack(settings.home)
    named = "roots" in settings.media.model_fields_set
    if state is None or named or settings.kafka.bootstrap_servers != state.bootstrap_servers:
        return settings
    media = settings.media.model_copy(update={"roots": tuple(map(Path, state.media_roots))})
    return settings.model_copy(update={"media": media})


@contextmanager
def claimed(home: Path) -> Iterator[None]:
    """Keep `home` for one broker; ServiceError if another has it.

    The claim is a lock of the kernel: it ends with the process, however that ends.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(
                f"a local broker already runs on {home}; `earmark down` stops the stack"
            ) from error
        yield
