"""Broker and registry of a run: the broker is killed and started again on the same data."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from earmark.models.source import Progress
from earmark.processors.error import ServiceError
from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import fetch_parts
from earmark.streams.local.registry import Registry
from earmark.streams.local.report import silent
from earmark.streams.local.state import settings_at
from earmark.streams.registry import register_all
from earmark.streams.settings import Settings
from earmark.streams.topic import create_topics

DOWN_S = (0.5, 2.0)  # how long the broker stays away


class Ground:
    """What the workers stand on; `settings` reach it, `broker_kills` counts."""

    def __init__(self, settings: Settings, broker: Broker, random: np.random.Generator) -> None:
        self.settings = settings
        self.broker_kills = 0
        self._broker = broker
        self._random = random
        self._back_at: float | None = None

    def kill_broker(self) -> bool:
        """Kill the broker; False if it has not come back from the last time."""
        if self._back_at is not None or not self._broker.child.listens_on(self._broker.port):
            return False
        self._broker.kill()
        self.broker_kills += 1
        self._back_at = time.monotonic() + self._random.uniform(*DOWN_S)
        return True

    def tend(self) -> None:
        """Start the broker again when it is time, without waiting until it serves."""
        if self._back_at is None or time.monotonic() < self._back_at:
            return
        try:
            self._broker.launch()
        except ServiceError:
            self._back_at = time.monotonic() + DOWN_S[0]  # its port is not free yet
        else:
            self._back_at = None

    def restore(self) -> None:
        """See to it that the broker serves."""
        while self._back_at is not None:
            time.sleep(max(0.0, self._back_at - time.monotonic()))
            self.tend()
        self._broker.wait_until_ready()


@contextmanager
def ground(
    settings: Settings, folder: Path, random: np.random.Generator, *, progress: Progress = silent
) -> Iterator[Ground]:
    """A broker and a registry below `folder`, with topics and schemas.

    Weights and jars are those of `settings.home`; what workers keep on disk is below `folder`.
    """
    parts = fetch_parts(settings, progress)
    broker, registry = Broker(parts, folder / "stack"), Registry(parts, folder / "stack")
    with ExitStack() as undo:
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
        yield Ground(own, broker, random)


def _home(settings: Settings, folder: Path) -> Path:
    """A home of the run's own that shares the weights."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to((settings.home / "models").absolute())
    return home
