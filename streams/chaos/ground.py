"""Broker and registry of a run: the broker is killed, frozen or cut off, and comes back."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.models.source import Progress
from earmark.processors.error import ServiceError
from earmark.streams.chaos.plan import BROKER_FREEZE_S
from earmark.streams.chaos.proxy import Proxy
from earmark.streams.chaos.timing import Span, now_ms
from earmark.streams.local.broker import Broker, Detour
from earmark.streams.local.parts import fetch_parts
from earmark.streams.local.port import HOST, free_port
from earmark.streams.local.registry import Registry
from earmark.streams.local.report import silent
from earmark.streams.local.state import settings_at
from earmark.streams.registry import register_all
from earmark.streams.settings import Settings
from earmark.streams.topic import create_topics

DOWN_S = (0.5, 2.0)  # how long the broker stays away
REST_S = 10.0  # from its return until the next thing befalls it
AGAIN_S = 0.5  # until the next attempt to start it


@dataclass(slots=True, kw_only=True)
class _Trouble:
    """What has befallen the broker, until when, and what ends it (False: not yet)."""

    begun_ms: int
    until: float  # of `time.monotonic`
    end: Callable[[], bool]


class Ground:
    """What the workers stand on. `settings` reach the broker at all times that it serves.

    Workers come by `worker_settings`, which a cut can hold up. One thing at a time befalls the
    broker; `away` says when it did not serve the workers, as far as that is over.
    """

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        random: np.random.Generator,
        proxy: Proxy | None = None,
    ) -> None:
        self.settings = settings
        self.broker_kills = self.cuts = self.freezes = 0
        self.away: list[Span] = []
        self._broker = broker
        self._random = random
        self._proxy = proxy
        self._trouble: _Trouble | None = None
        self._serving: Future[Span] | None = None  # the broker is on its way back
        self._watcher = ThreadPoolExecutor(1, "broker")

    @property
    def worker_settings(self) -> Settings:
        """The settings with which workers reach the broker."""
        if self._proxy is None:
            return self.settings
        return settings_at(
            self.settings,
            bootstrap_servers=f"{HOST}:{self._proxy.port}",
            registry_url=self.settings.registry.url,
        )

    @property
    def serves(self) -> bool:
        """Whether nothing is wrong with the broker."""
        return self._trouble is None and self._serving is None

    @property
    def _rested(self) -> bool:
        ended_ms = max((span.ended_ms for span in self.away), default=0)
        return self.serves and now_ms() >= ended_ms + 1000 * REST_S

    def kill_broker(self) -> bool:
        """Kill the broker; False while it does not serve, or has not for long."""
        if not self._rested:
            return False
        self._begin(float(self._random.uniform(*DOWN_S)), self._launch)
        self._broker.kill()
        self.broker_kills += 1
        return True

    def cut(self, seconds: float) -> bool:
        """Cut the workers off for so long; False as above."""
        if not self._rested or self._proxy is None:
            return False
        self._begin(seconds, self._mend)
        self._proxy.cut()
        self.cuts += 1
        return True

    def freeze(self) -> bool:
        """Stop the broker for some seconds (SIGSTOP); False as above."""
        if not self._rested:
            return False
        self._begin(float(self._random.uniform(*BROKER_FREEZE_S)), self._thaw)
        os.kill(self._broker.pid, signal.SIGSTOP)
        self.freezes += 1
        return True

    def tend(self) -> None:
        """End what is over; raises ServiceError where the broker does not come back."""
        if self._trouble is not None:
            if time.monotonic() >= self._trouble.until and self._trouble.end():
                begun_ms, self._trouble = self._trouble.begun_ms, None
                self._serving = self._watcher.submit(self._await_service, begun_ms)
        elif self._serving is not None and self._serving.done():
            self.away.append(self._serving.result())
            self._serving = None

    def close(self) -> None:
        """Let go of what is held up, so that all can end."""
        if self._trouble is not None and self._broker.child.alive:
            self._trouble.end()
        self._watcher.shutdown(wait=False, cancel_futures=True)

    def _begin(self, seconds: float, end: Callable[[], bool]) -> None:
        self._trouble = _Trouble(begun_ms=now_ms(), until=time.monotonic() + seconds, end=end)

    def _launch(self) -> bool:
        """Start it here: it ends with the thread that started it."""
        try:
            self._broker.launch()
        except ServiceError:  # its port is not free yet
            if self._trouble is not None:
                self._trouble.until = time.monotonic() + AGAIN_S
            return False
        return True

    def _mend(self) -> bool:
        if self._proxy is not None:
            self._proxy.mend()
        return True

    def _thaw(self) -> bool:
        os.kill(self._broker.pid, signal.SIGCONT)
        return True

    def _await_service(self, begun_ms: int) -> Span:
        self._broker.wait_until_ready()
        return Span(begun_ms=begun_ms, ended_ms=now_ms())


@contextmanager
def ground(
    settings: Settings,
    folder: Path,
    random: np.random.Generator,
    *,
    with_cuts: bool = False,
    progress: Progress = silent,
) -> Iterator[Ground]:
    """A broker and a registry below `folder`, with topics and schemas.

    Weights and jars are those of `settings.home`; what workers keep on disk is below `folder`.
    """
    parts = fetch_parts(settings, progress)
    with ExitStack() as undo:
        proxy = Proxy(free_port()) if with_cuts else None
        detour = Detour(port=proxy.target, entry=proxy.port) if proxy is not None else None
        if proxy is not None:
            proxy.start()
            undo.callback(proxy.stop)
        broker = Broker(parts, folder / "stack", detour=detour)
        registry = Registry(parts, folder / "stack")
        undo.callback(broker.stop)
        undo.callback(registry.stop)
        broker.launch()
        registry.launch()
        broker.wait_until_ready()
        registry.wait_until_ready()
        own = settings_at(
            settings.model_copy(update={"home": _home(settings, folder)}),
            bootstrap_servers=broker.bootstrap_servers,
            registry_url=registry.url,
        )
        create_topics(own)
        register_all(own)
        base = Ground(own, broker, random, proxy)
        undo.callback(base.close)
        yield base


def _home(settings: Settings, folder: Path) -> Path:
    """A home of the run's own that shares the weights."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to((settings.home / "models").absolute())
    return home
