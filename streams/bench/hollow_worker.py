"""A worker as `earmark worker` runs it, with a pipeline that has no models.

python -m earmark.streams.bench.hollow_worker
"""

import os
import signal
from contextlib import closing

from earmark.streams.cli import TORCH_ENVIRONMENT
from earmark.streams.log import configure_logging
from earmark.streams.settings import load_settings


def main() -> None:
    """Run it by the settings of the environment."""
    for name, value in TORCH_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from earmark.streams.assembly import assemble
    from earmark.streams.bench.hollow import hollow_pipeline
    from earmark.streams.health import Health, HealthServer
    from earmark.streams.metrics import Metrics
    from earmark.streams.registry import Registry

    configure_logging()
    settings, health, metrics = load_settings(), Health(), Metrics()
    limits = settings.worker
    server = HealthServer(health, metrics.registry, host=limits.http_host, port=limits.http_port)
    with closing(server), Registry(settings.registry) as registry:
        running = assemble(
            settings, registry=registry, health=health, metrics=metrics, loading=hollow_pipeline
        )
        signal.signal(signal.SIGTERM, lambda *_: running.stop())
        running.run()


if __name__ == "__main__":
    main()
