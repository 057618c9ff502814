"""`earmark down`: stop the local stack."""

import click

from earmark.streams.local.background import stop_in_background
from earmark.streams.settings import load_settings


@click.command()
@click.option("--purge", is_flag=True, help="Remove its topics, schemas and logs too.")
def down(purge: bool) -> None:
    """Stop the local stack. Its data stay, unless purged; so do jars and weights."""
    settings = load_settings()
    stopped = stop_in_background(settings.home, purge=purge)
    click.echo("stopped" if stopped else "no local stack was running")
    if purge:
        click.echo(f"data of the local stack removed from {settings.home}")
