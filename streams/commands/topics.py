"""`earmark topics`: create, list and describe the topics, and print rules of access to them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Column

from earmark.streams.endpoint import endpoint
from earmark.streams.fitting import Fitting, detailed_table, plain_table
from earmark.streams.settings import KafkaSettings, load_settings
from earmark.streams.topic import TopicState, contract, create_topics, topic_states

# as `earmark.streams.access.Role` has them, which knows all schemas and takes a second to load
ROLES = (
    *("subscriber", "producer", "worker", "agent", "reviewer", "flink", "server", "inspector"),
    *("auditor", "operator"),
)
# groups that are made of the group of the settings; others are called as their principal
OWN_GROUPS = {"worker": "", "operator": "", "agent": "-agents", "flink": "-flink"}


@click.group()
def topics() -> None:
    """Create and list Earmark's topics, and say who may read and write them."""


@topics.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per topic.")
def create(as_json: bool) -> None:
    """Make the topics that are missing; what is there is never changed."""
    _show(create_topics(endpoint()), as_json=as_json)


@topics.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per topic.")
def list_topics(as_json: bool) -> None:
    """Show every topic, and where it differs from the contract."""
    _show(topic_states(endpoint()), as_json=as_json)


@topics.command("contract")
@click.option("--strimzi", metavar="CLUSTER", help="As KafkaTopic, for that Kafka of Strimzi.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per topic.")
def print_contract(strimzi: str | None, as_json: bool) -> None:
    """Print every topic as it should be, for tools that make topics; asks no broker.

    As YAML: name and configuration of each; with --strimzi as manifests for `kubectl apply`, with
    the partitions and the replication factor of the settings.
    """
    import yaml

    kafka = load_settings().kafka
    found = [{"name": it.name, "config": dict(it.config)} for it in contract(kafka.receipts_topic)]
    if as_json:
        for topic in found:
            click.echo(json.dumps(topic))
    elif strimzi is not None:
        manifests = (_manifest(topic, strimzi, kafka) for topic in found)
        click.echo(yaml.safe_dump_all(manifests, sort_keys=False), nl=False)
    else:
        click.echo(yaml.safe_dump(found, sort_keys=False), nl=False)


def _manifest(topic: Mapping[str, Any], cluster: str, kafka: KafkaSettings) -> dict[str, Any]:
    """The topic as Strimzi's operator makes it; its own name may not hold an underscore."""
    name = topic["name"]
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {
            "name": name.replace("_", "-"),
            "labels": {"strimzi.io/cluster": cluster},
        },
        "spec": {
            "topicName": name,
            "partitions": kafka.partitions,
            "replicas": kafka.replication_factor,
            "config": topic["config"],
        },
    }


@topics.command()
@click.option("--principal", required=True, help="Who: `User:reports`, or the name alone.")
@click.option(
    "--role",
    type=click.Choice(ROLES),
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
    "principal's name; for workers, agents, Flink and operators as the settings have it.",
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
    name = who.partition(":")[2]
    own = f"{kafka.group_id}{OWN_GROUPS[role]}" if role in OWN_GROUPS else name
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
    Console().print(topic_table(list(states)))


def topic_table(states: Sequence[TopicState]) -> Fitting:
    """A line for each topic; where it is narrow, what differs stands below."""
    columns = [Column("topic"), Column("partitions", justify="right"), Column("state")]
    named = [(it, (it.name, str(it.partitions))) for it in states]
    return Fitting(
        plain_table(columns, [(*cells, "\n".join(it.differs) or _word(it)) for it, cells in named]),
        detailed_table(
            columns, [((*cells, _word(it)), "\n".join(it.differs) or None) for it, cells in named]
        ),
    )


def _word(state: TopicState) -> str:
    return "differs" if state.differs else "created" if state.created else "as agreed"
