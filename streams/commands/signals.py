"""`earmark signals`: what each signal says, for whom, how fresh, and how right it is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.models.error import ConfigurationError
from earmark.streams.settings import load_settings

if TYPE_CHECKING:
    from earmark.streams.catalogue import Entry, Report


@click.group()
def signals() -> None:
    """Show what there is to subscribe to: owners, access, limits, figures."""


@signals.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per signal.")
def list_signals(as_json: bool) -> None:
    """Show every signal in a line; `measured` says whether that is of the signal as it is."""
    from rich.console import Console
    from rich.table import Table

    from earmark.streams.catalogue_text import standing

    entries = _entries()
    if as_json:
        _print_json(entries)
        return
    table = Table("signal", "access", "p95", "measured", "owner", box=None)
    for column in table.columns[:4]:
        column.no_wrap = True
    for it in entries:
        fresh = "-" if it.freshness_s is None else f"{it.freshness_s:g} s"
        named = f"{it.signal} (deprecated)" if it.deprecated_on else it.signal
        table.add_row(named, str(it.access), fresh, standing(it), it.owner)
    Console(highlight=False).print(table)


@signals.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show the signal NAME: contract, limits, and what was measured, the latest first."""
    from rich.console import Console
    from rich.text import Text

    from earmark.streams.catalogue_text import facts
    from earmark.streams.model_choice import signal_named

    by_name = {entry.signal: entry for entry in _entries()}
    entry = by_name[signal_named(name, by_name)]
    if as_json:
        _print_json([entry])
        return
    console = Console(highlight=False)
    console.print(Text(f"{entry.signal}: {entry.summary or 'nobody says what it is for'}"))
    for word, said in facts(entry):
        console.print(Text(f"{word}: {said}"))
    if entry.intended_use:
        console.print(Text(f"for: {entry.intended_use}"))
    console.print(Text(f"limits: {entry.limits}"))
    if not entry.reports:
        console.print(Text(f"\nnever measured: earmark eval {entry.signal} --write-card"))
    for report in reversed(entry.reports):
        _print_report(report)


@signals.command()
@click.option("--html", type=click.Path(path_type=Path), help="Write one page that needs no other.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of all signals.")
def catalogue(html: Path | None, as_json: bool) -> None:
    """Print or write all that is known of all signals, for those who subscribe."""
    entries = _entries()
    if html is not None:
        from earmark.streams.catalogue_page import catalogue_page

        try:
            html.write_text(catalogue_page(entries), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{html}: {error.strerror or error}") from error
    if as_json:
        click.echo(json.dumps([entry.as_json() for entry in entries], ensure_ascii=False))
    elif html is None:
        raise click.UsageError(
            "say --html FILE, --json, or both; for a table: earmark signals list"
        )
    else:
        click.echo(html)


def _entries() -> "Sequence[Entry]":
    from earmark.streams.catalogue import catalogue as all_signals

    return all_signals(load_settings())


def _print_json(entries: "Sequence[Entry]") -> None:
    for entry in entries:
        click.echo(json.dumps(entry.as_json(), ensure_ascii=False))


def _print_report(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from earmark.streams.catalogue_text import interval, report_heading

    table = Table("figure", "value", "95 %", box=None, pad_edge=False)
    for name, it in report.measured.metrics.items():
        table.add_row(name, f"{it.value:g}", interval(it))
    console = Console(highlight=False)
    console.print(Text(f"\nmeasured on {report_heading(report)}"))
    console.print(table)
    console.print(Text(report.measured.limits))
