"""On which Flink a job of `earmark flink` runs: the options that say it, and the order by them."""

from typing import Any

import click

from earmark.streams.flink.job import EVERY_S
from earmark.streams.flink.order import Order
from earmark.streams.flink.runtime import HEAP_MB
from earmark.streams.settings import load_settings


def place_options(command: Any) -> Any:
    """The command with the options that say on which Flink its job runs."""
    for option in (
        click.option(
            "--cluster",
            metavar="URL",
            help="REST address of a Flink to run it on; "
            "`local`: that of `earmark flink cluster up`.",
        ),
        click.option("--checkpoints", metavar="URI", help="Where that Flink keeps checkpoints."),
        click.option(
            "--parallelism",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Tasks of each kind.",
        ),
        click.option(
            "--heap-mb",
            type=click.IntRange(min=256),
            default=HEAP_MB,
            show_default=True,
            help="Largest heap of a Flink inside this process.",
        ),
        click.option(
            "--every",
            "every_s",
            type=click.FloatRange(min=0.1),
            default=EVERY_S,
            show_default=True,
            help="Seconds from one checkpoint to the next, with which readers see what was made; "
            "where there is much to catch up with, longer ones save work.",
        ),
    ):
        command = option(command)
    return command


def order_at(*, cluster: str | None, **rest: Any) -> Order:
    """The order by those options; `local` is the cluster that was started from here."""
    from earmark.streams.flink.cluster import running_cluster

    if cluster == "local":
        cluster = running_cluster(load_settings().state_folder).url
    return Order(cluster=cluster, **rest)
