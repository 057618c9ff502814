"""`earmark config`: every setting with where it comes from, and what is wrong with them."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from earmark.models.error import ConfigurationError
from earmark.streams.configuration import Setting, configuration
from earmark.streams.quantity import quantity
from earmark.streams.setting_source import Fault
from earmark.streams.settings import Settings, load_settings, read_settings


@click.group()
def config() -> None:
    """Show every setting and where it comes from, and check them.

    Settings come from EARMARK_* variables, over a file in TOML, over the defaults. The file is
    earmark.toml in the working directory, or the one that EARMARK_CONFIG names.
    """


@config.command()
@click.option("--set", "only_set", is_flag=True, help="Only those that do not have their default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per setting.")
def show(only_set: bool, as_json: bool) -> None:
    """List all settings: name, value, and the file or variable that it was taken from.

    Secrets are never shown.
    """
    every = configuration(load_settings())
    found = [it for it in every if it.where or not only_set]
    if as_json:
        for it in found:
            click.echo(json.dumps(asdict(it)))
        return
    columns = (Column(name, overflow="fold") for name in ("setting", "value", "from"))
    table = Table(*columns, box=None)
    for it in found:
        table.add_row(it.name, escape(_text(it)), escape(it.where or "default"))
    Console().print(table)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per fault; nothing if none.")
def check(as_json: bool) -> None:
    """Say what is wrong with the settings: all of it, with where it stands and what to write.

    Looks at names, values, files and folders; connects to nothing. Ends with 2 if there is a
    fault.
    """
    from earmark.streams.setting_check import check_settings

    settings, faults = read_settings()
    faults = faults or check_settings(settings or Settings())
    if as_json:
        for fault in faults:
            click.echo(json.dumps(asdict(fault)))
    elif not faults:
        click.echo(f"{len(configuration(settings or Settings()))} settings, nothing wrong")
    if faults:
        raise ConfigurationError(_told(faults, as_json=as_json))


def _told(faults: list[Fault], *, as_json: bool) -> str:
    count = f"{quantity(len(faults), 'fault')} in the settings"
    return count if as_json else "\n  ".join([count, *map(str, faults)])


def _text(it: Setting) -> str:
    return it.value if isinstance(it.value, str) else json.dumps(it.value)
