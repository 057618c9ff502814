"""`earmark config`: every setting with where it comes from, and what is wrong with them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console, Group
from rich.table import Column

from earmark.models.error import ConfigurationError
from earmark.processors.quantity import quantity
from earmark.streams.configuration import Setting, configuration
from earmark.streams.fitting import Row, detailed_table
from earmark.streams.printable import printable
from earmark.streams.setting_source import Fault
from earmark.streams.settings import Settings, load_settings, read_settings

GAPS = 4  # blanks between three columns
DEFAULT = "default"


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
    console = Console()
    console.print(settings_table(found, console.width))


def settings_table(found: Sequence[Setting], width: int) -> Group:
    """A line for each setting; a value or a path that does not fit into it stands below, whole."""
    rows = [(it.name, printable(_text(it)), printable(it.where or DEFAULT)) for it in found]
    room = width - GAPS - max((len(name) for name, _, _ in rows), default=0)
    origins = max((len(it) for _, _, it in rows if len(it) <= room // 2), default=0)
    columns = [Column(name) for name in ("setting", "value", "from")]
    return detailed_table(columns, [_row(row, (room - origins, origins)) for row in rows])


def _row(cells: tuple[str, str, str], room: tuple[int, int]) -> Row:
    """The cells, and what of value and origin is longer than the room that its column has."""
    name, *others = cells
    kept = [it if len(it) <= most else "" for it, most in zip(others, room, strict=True)]
    value, origin = (it if not left else "" for it, left in zip(others, kept, strict=True))
    below = [*([value] if value else ()), *([f"from {origin}"] if origin else ())]
    return (name, *kept), "\n".join(below) or None


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
