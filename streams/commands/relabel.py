"""`earmark relabel`: new thresholds on stored scores; nothing is decoded or scored."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.streams.endpoint import endpoint
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading

if TYPE_CHECKING:
    from earmark.streams.relabel import Counts


@click.command()
@click.argument("signal")
@click.option(
    "--thresholds",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file with the new numbers, under a version of its own.",
)
@click.option("--run", required=True, help="The name of the run; one that was interrupted goes on.")
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the counts.")
def relabel(signal: str, file: Path, run: str, dry_run: bool, as_json: bool) -> None:
    """Give the answers of SIGNAL the labels that follow from other thresholds.

    Reads its topic and writes the records as they would be to the topics of the run, like a
    replay, but of stored scores. Then `earmark replay diff`, `promote` or `abort` it. Name the
    file in `worker.thresholds` too, so that new events are labelled by it.
    """
    from earmark.processors.threshold import read_thresholds
    from earmark.streams.relabel import planned
    from earmark.streams.relabel import relabel as begin

    configure_logging()
    settings = endpoint()
    manifest = planned(settings, run, signal, read_thresholds(file, signal))
    with loading(quiet=as_json) as report:
        counts = begin(
            settings, manifest, lambda done, of: report("relabelling", done, of), dry=dry_run
        )
    if as_json:
        click.echo(json.dumps({"run": run, "dry_run": dry_run, **asdict(counts)}))
        return
    for line in _lines(counts, run, dry_run=dry_run):
        click.echo(line)


def _lines(counts: "Counts", run: str, *, dry_run: bool) -> list[str]:
    would = "would have" if dry_run else "have"
    lines = [
        f"{counts.changed:,} answers {would} other labels, {counts.kept:,} the same",
        *(f"  {item}" for item in counts.examples),
    ]
    if counts.needs_score:
        lines.append(
            f"{counts.needs_score:,} do not hold enough to say: replay them with the new thresholds"
        )
    if counts.other_configuration:
        lines.append(f"{counts.other_configuration:,} were made under another configuration")
    if not dry_run:
        lines.append(f"next: earmark replay diff {run}; earmark replay promote {run}")
    return lines
