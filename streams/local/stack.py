"""The local stack: broker, registry and worker, started in order and kept alive."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from earmark.models.error import ServiceError
from earmark.models.source import Progress
from earmark.streams.local.broker import Broker
from earmark.streams.local.extra import EXTRAS, Extra
from earmark.streams.local.keeper import Keeper
from earmark.streams.local.parts import fetch_parts
from earmark.streams.local.process import ProcessId
from earmark.streams.local.registry import Registry
from earmark.streams.local.report import Report, silent, unreported
from earmark.streams.local.state import (
    StackState,
    remove_state,
    settings_at,
    settings_for,
    write_state,
)
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.registry import register_all
from earmark.streams.settings import Settings
from earmark.streams.supervisor import HOPELESS
from earmark.streams.topic import create_topics

Part = Broker | Registry | WorkerProcess | Extra

WATCH_S = 1.0
_SERVICES = ("broker", "registry")  # whatever they end of, they are started again


class Stack:
    """A local stack as a context manager: started where the block begins, stopped where it ends.

    Data, logs and the state file are below `home` (default: `settings.home`); jars and weights
    always below `settings.home`, so that stacks share them. `port` is the broker's,
    `registry_port` the registry's, any free ones if None. `report` gets a line for each step.
    `extras` are further parts by name (see `extra`). The parts end with this process, however it
    ends.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        home: Path | None = None,
        port: int | None = None,
        registry_port: int | None = None,
        worker: bool = True,
        extras: Sequence[str] = (),
        progress: Progress = silent,
        report: Report = unreported,
    ) -> None:
        self.home = home or settings.home
        self._base = settings
        self._ports = (port, registry_port)
        self._with_worker = worker
        self._extras = extras
        self._progress = progress
        self._report = report
        self._parts: dict[str, Part] = {}
        self._state: StackState | None = None
        self._keepers: tuple[ProcessId, ...] = ()
        self._undo = ExitStack()

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def state(self) -> StackState:
        """Where it is reached; ServiceError before the start."""
        if self._state is None:
            raise ServiceError("the local stack was not started")
        return self._state

    @property
    def settings(self) -> Settings:
        """The settings with which clients reach this stack; ServiceError before the start."""
        return self._keeping_state_here(settings_for(self.state, self._base))

    def start(self) -> StackState:
        """Start all parts, make topics and register schemas; ServiceError if a part fails."""
        with ExitStack() as undo:
            undo.callback(self._stop_parts)
            broker, registry = self._start_services()
            settings = settings_at(
                self._base, bootstrap_servers=broker.bootstrap_servers, registry_url=registry.url
            )
            self._prepare(settings)
            worker = self._start_worker(settings) if self._with_worker else None
            extras = {name: self._start_extra(name, settings) for name in self._extras}
            self._state = StackState(
                cluster_id=broker.cluster_id,
                bootstrap_servers=broker.bootstrap_servers,
                registry_url=registry.url,
                worker_url=worker.url if worker else None,
                extras=extras,
                started=time.time(),
                media_roots=tuple(map(str, _reading_here(self._base).media.roots)),
                processes=self._processes(),
            )
            undo.callback(remove_state, self.home)
            write_state(self.home, self._state)
            self._undo = undo.pop_all()
        return self._state

    def stop(self) -> None:
        """Stop all parts, the worker first."""
        self._undo.close()

    def watch(self) -> None:
        """Start again whatever ends, until interrupted (KeyboardInterrupt).

        All but a worker that says that starting it again does no good.
        """
        self._keepers = (ProcessId.of("stack", os.getpid()),)
        self._note_processes()
        keepers = [
            Keeper(name, part, self._report, hopeless={} if name in _SERVICES else HOPELESS)
            for name, part in self._parts.items()
        ]
        while True:
            time.sleep(WATCH_S)
            for keeper in keepers:
                if keeper.tend():
                    if keeper.is_left:
                        self._parts.pop(keeper.name, None)
                    self._note_processes()

    def _start_services(self) -> tuple[Broker, Registry]:
        files = fetch_parts(self._base, self._progress)
        port, registry_port = self._ports
        broker = Broker(files, self.home, port=port)
        registry = Registry(files, self.home, port=registry_port)
        self._parts |= {"broker": broker, "registry": registry}
        broker.launch()
        registry.launch()
        broker.wait_until_ready()
        self._report(f"broker ready at {broker.bootstrap_servers}")
        registry.wait_until_ready()
        self._report(f"registry ready at {registry.url}")
        return broker, registry

    def _prepare(self, settings: Settings) -> None:
        create_topics(settings)
        register_all(settings)
        self._report("topics made, schemas registered")

    def _start_worker(self, settings: Settings) -> WorkerProcess:
        settings = self._keeping_state_here(_reading_here(settings))
        worker = WorkerProcess(settings, log_dir=self.home / "logs")
        self._parts["worker"] = worker
        self._report("starting worker, which loads its models")
        worker.start()
        self._report(f"worker ready at {worker.url}")
        return worker

    def _start_extra(self, name: str, settings: Settings) -> str:
        """Start it, once what it reads and writes is there; where it answers."""
        settings = self._keeping_state_here(_reading_here(settings))
        extra = EXTRAS[name](settings, self.home / "logs")
        self._parts[name] = extra
        self._report(f"starting {name}")
        extra.start()
        self._report(f"{name} ready at {extra.url}")
        return extra.url

    def _keeping_state_here(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"state": self.home / "state"})

    def _stop_parts(self) -> None:
        for name, part in reversed(self._parts.items()):
            part.stop()
            self._report(f"{name} stopped")
        self._parts.clear()
        self._state = None

    def _processes(self) -> tuple[ProcessId, ...]:
        """Those that run: one that has ended is on its way back, and the stack is still there."""
        parts = (
            ProcessId.of(name, part.child.pid)
            for name, part in self._parts.items()
            if part.child.alive
        )
        return (*self._keepers, *parts)

    def _note_processes(self) -> None:
        url = self.state.worker_url if "worker" in self._parts else None
        self._state = replace(self.state, processes=self._processes(), worker_url=url)
        write_state(self.home, self._state)


def _reading_here(settings: Settings) -> Settings:
    """The settings for a worker that may read files where it was started, unless they say where.

    What `earmark produce` sends from here by reference can then be read.
    """
    if "roots" in settings.media.model_fields_set:
        return settings
    media = settings.media.model_copy(update={"roots": (Path.cwd(), settings.home / "media")})
    return settings.model_copy(update={"media": media})
