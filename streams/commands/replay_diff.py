"""`earmark replay diff`: compares a replay with the live signals."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from earmark.models.error import ConfigurationError
from earmark.processors.codec import jsonable
from earmark.streams.endpoint import endpoint
from earmark.streams.log import configure_logging
from earmark.streams.progress import reading

if TYPE_CHECKING:
    from earmark.streams.replay.diff_result import Diff


@click.command()
@click.argument("name")
@click.option("--signals", help="Only these, separated by commas.")
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Items of each signal to show, those that changed most.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything that was found, as JSON.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with plots to this file, one page without links to elsewhere.",
)
def diff(name: str, signals: str | None, most: int, as_json: bool, page: Path | None) -> None:
    """Compare the replay NAME with the live signals.

    Of each item the last answers of both sides are compared, if they are about the same content.
    Shows counts, labels that came and went, shifts of scores with 95 % intervals, and the items
    that changed most. It needs room in TMPDIR for the records compared.
    """
    from earmark.streams.replay.diff import diff as compared  # torch comes along
    from earmark.streams.replay.report_text import diff_text

    configure_logging(level=logging.WARNING)
    if page is not None and not page.absolute().parent.is_dir():
        raise ConfigurationError(f"--html {page}: there is no such folder")
    names = [signal.strip() for signal in signals.split(",")] if signals else None
    with reading() as progress:
        found = compared(endpoint(), name, signals=names, most=most, progress=progress)
    if page is not None:
        _write(found, page)
    if as_json:
        click.echo(json.dumps(jsonable(found.as_object)))
        return
    Console().print(diff_text(found))


def _write(found: "Diff", page: Path) -> None:
    from earmark.streams.replay.report_page import diff_page  # matplotlib comes along

    try:
        page.write_text(diff_page(found), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--html {page}: {error.strerror}") from error
