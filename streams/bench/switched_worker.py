"""A worker as `earmark worker` runs it, that leaves its transactions out while it is told to.

    python -m earmark.streams.bench.switched_worker

SIGUSR1 turns them off, SIGUSR2 on again. One process does both, so that what is compared has the
same models, partitions and connections.
"""

import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

from confluent_kafka import Consumer

from earmark.streams.bench.worker_process import run
from earmark.streams.route import Route
from earmark.streams.settings import Settings

if TYPE_CHECKING:
    from earmark.streams.bench.plain_publisher import SwitchedPublisher

PLAIN, TRANSACTIONS = signal.SIGUSR1, signal.SIGUSR2


def _switched(
    settings: Settings, schema_ids: Mapping[str, int], route: Route, consumer: Consumer
) -> "SwitchedPublisher":
    # here: the environment says how torch computes before it is imported
    from earmark.streams.bench.plain_publisher import SwitchedPublisher

    publisher = SwitchedPublisher(settings, schema_ids, route, consumer)
    signal.signal(PLAIN, lambda *_: setattr(publisher, "plain", True))
    signal.signal(TRANSACTIONS, lambda *_: setattr(publisher, "plain", False))
    return publisher


if __name__ == "__main__":
    run(publishing=_switched)
