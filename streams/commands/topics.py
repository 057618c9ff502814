"""`earmark topics`: create and list the topics, and print rules of access to them."""

import json
from collections.abc import Iterable
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from earmark.streams.settings import load_settings
from earmark.streams.topic import TopicState, create_topics, topic_states


@click.group()
def topics() -> None:
    """Create and list Earmark's topics, and say who may read and write them."""


@topics.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per topic.")
def create(as_json: bool) -> None:
    """Make the topics that are missing; what is there is never changed."""
    _show(create_topics(load_settings()), as_json=as_json)


@topics.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per topic.")
def list_topics(as_json: bool) -> None:
    """Show every topic, and where it differs from the contract."""
    _show(topic_states(load_settings()), as_json=as_json)


@topics.command()
@click.option("--principal", required=True, help="Who: `User:reports`, or the name alone.")
@click.option(
    "--role",
    type=click.Choice(["subscriber", "producer", "worker", "agent", "operator"]),
    default="subscriber",
    show_default=True,
    help="What the principal is there for.",
)
@click.option(
    "--read",
    multiple=True,
    metavar="SIGNAL|open|personal|restricted",
    help="For subscribers: a signal, or all of a class of access by their cards; repeatable.",
)
@click.option(
    "--group",
    help="Its consumer group, and how its others and its transactions begin. By default the "
    "principal's name; for workers and operators the group of the settings.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per binding.")
def acl(principal: str, role: str, read: tuple[str, ...], group: str | None, as_json: bool) -> None:
    """Print rules of access: lines with Kafka's own kafka-acls.sh, or bindings as JSON.

    Nothing is changed: look at them, then run them as somebody who may.
    """
    from earmark.streams.access import Request, Role, bindings, commands, principal_named, rules
    from earmark.streams.catalogue import catalogue
    from earmark.streams.restriction import restricted_by

    settings = load_settings()
    kafka, who = settings.kafka, principal_named(principal)
    own = kafka.group_id if role in {Role.WORKER, Role.OPERATOR} else who.partition(":")[2]
    request = Request(
        principal=who,
        role=Role(role),
        read=read,
        group=group or own,
        receipts_topic=kafka.receipts_topic,
        twins=restricted_by(settings),
    )
    found = rules(request, catalogue(settings) if read else ())
    if as_json:
        for binding in bindings(request, found):
            click.echo(json.dumps(binding))
        return
    for line in commands(request, found, servers=kafka.bootstrap_servers):
        click.echo(line)


def _show(states: Iterable[TopicState], *, as_json: bool) -> None:
    if as_json:
        for state in states:
            click.echo(json.dumps(asdict(state)))
        return
    table = Table("topic", "partitions", "state", box=None)
    for state in states:
        table.add_row(state.name, str(state.partitions), "\n".join(_words(state)))
    Console().print(table)


def _words(state: TopicState) -> tuple[str, ...]:
    return state.differs or ("created" if state.created else "as agreed",)
