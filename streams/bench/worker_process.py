"""A worker as `earmark worker` runs it, with a part of it put in place of another."""

import os
import signal
from contextlib import closing
from typing import Any

from earmark.streams.cli import TORCH_ENVIRONMENT
from earmark.streams.log import configure_logging
from earmark.streams.settings import load_settings


def run(**parts: Any) -> None:
    """Run it by the settings of the environment; `parts` are those of `assemble`."""
    for name, value in TORCH_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from earmark.streams.assembly import assemble
    from earmark.streams.health import Health, HealthServer
    from earmark.streams.metrics import Metrics
    from earmark.streams.registry import Registry

    configure_logging()
    settings, health, metrics = load_settings(), Health(), Metrics()
    limits = settings.worker
    server = HealthServer(health, metrics.registry, host=limits.http_host, port=limits.http_port)
    with closing(server), Registry(settings.registry) as registry:
        running = assemble(settings, registry=registry, health=health, metrics=metrics, **parts)
        signal.signal(signal.SIGTERM, lambda *_: running.stop())
        running.run()
