"""A worker as `earmark worker` runs it, that leaves its transactions out while it is told to.

    python -m earmark.streams.bench.switched_worker

SIGUSR1 turns them off, SIGUSR2 on again. One process does both, so that what is compared has the
same models, partitions and connections.
"""

import os
import signal
from collections.abc import Mapping
from contextlib import closing

from confluent_kafka import Consumer

from earmark.streams.cli import TORCH_ENVIRONMENT
from earmark.streams.log import configure_logging
from earmark.streams.route import Route
from earmark.streams.settings import Settings, load_settings

PLAIN, TRANSACTIONS = signal.SIGUSR1, signal.SIGUSR2


def main() -> None:
    """Run it by the settings of the environment."""
    for name, value in TORCH_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from earmark.streams.assembly import assemble
    from earmark.streams.bench.plain_publisher import SwitchedPublisher
    from earmark.streams.health import Health, HealthServer
    from earmark.streams.metrics import Metrics
    from earmark.streams.registry import Registry

    def switched(
        settings: Settings, schema_ids: Mapping[str, int], route: Route, consumer: Consumer
    ) -> SwitchedPublisher:
        publisher = SwitchedPublisher(settings, schema_ids, route, consumer)
        signal.signal(PLAIN, lambda *_: setattr(publisher, "plain", True))
        signal.signal(TRANSACTIONS, lambda *_: setattr(publisher, "plain", False))
        return publisher

    configure_logging()
    settings, health, metrics = load_settings(), Health(), Metrics()
    limits = settings.worker
    server = HealthServer(health, metrics.registry, host=limits.http_host, port=limits.http_port)
    with closing(server), Registry(settings.registry) as registry:
        running = assemble(
            settings, registry=registry, health=health, metrics=metrics, publishing=switched
        )
        signal.signal(signal.SIGTERM, lambda *_: running.stop())
        running.run()


if __name__ == "__main__":
    main()
