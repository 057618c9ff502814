"""`earmark new-signal`: a package with a signal of one's own, that works as it stands."""

import json
from pathlib import Path

import click

from earmark.streams.new_signal.package import KINDS, write_package


@click.command("new-signal")
@click.argument("name")
@click.option(
    "--from", "kind", type=click.Choice(KINDS), required=True, help="What the signal reads."
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where the package's folder is made; by default here.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the files.")
def new_signal(name: str, kind: str, folder: Path, as_json: bool) -> None:
    """Make a package with the signal NAME, e.g. text.spoilers.

    It holds the module, the schema of its records with a golden one, a card, a model with its own,
    thresholds, and tests that pass. Its README leads from there to live traffic.
    """
    written = write_package(name, kind=kind, folder=folder)
    if as_json:
        click.echo(json.dumps({"signal": name, "files": [str(path) for path in written]}))
        return
    for path in written:
        click.echo(path)
    root = next(path.parent for path in written if path.name == "pyproject.toml")
    click.echo(f"\nnext: cd {root} && pip install --editable . && pytest; then see README.md")
