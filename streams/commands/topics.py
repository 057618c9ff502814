"""`earmark topics`: create and list the topics."""

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
    """Create and list Earmark's topics."""


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
