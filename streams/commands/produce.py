"""`earmark produce`: content events from files, sent to Kafka."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from earmark.processors.content import ContentEvent, ContentType
from earmark.processors.error import ContentError
from earmark.processors.schema import CONTENT_EVENTS
from earmark.streams.address import shown
from earmark.streams.content_files import count_events, events_from

Send = Callable[[ContentEvent], object]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--content-type", default=ContentType.OTHER.value, help="TRACK, EPISODE, COMMENT ...")
@click.option("--language", help="Declared language, BCP-47.")
@click.option("--source", default="files", help="Who sends; in each event and its headers.")
@click.option("--tenant", default="", help="Whose content it is.")
@click.option("--force", is_flag=True, help="Have signals written even where nothing changed.")
@click.option("--dry-run", is_flag=True, help="Make and check the events, send nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event.")
def produce(
    paths: tuple[Path, ...],
    content_type: str,
    language: str | None,
    source: str,
    tenant: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make content events from PATHS and send them.

    PATHS are audio files, text files, .jsonl files of content events, and folders of these. Small
    recordings travel in the event; larger ones as file:// uris, which the worker reads only under
    the folders in its media.roots. An event without a revision gets the time as one: what is sent
    later counts as newer, and a signal is written again only where what it reads has changed.
    Ends with 1 if an event was refused.
    """
    events = events_from(
        paths, content_type=content_type, language=language, source=source, tenant=tenant
    )
    total = count_events(paths)
    sent = refused = by_file_uri = 0
    with _sender(dry_run=dry_run, force=force) as send, _bar(total, quiet=as_json) as advance:
        for event in events:
            try:
                send(event)
            except ContentError as error:
                refused += 1
                click.echo(f"earmark: {event.content_id}: {error}", err=True)
            else:
                sent += 1
                by_file_uri += _uri(event).startswith("file:")
                if as_json:
                    click.echo(json.dumps(_as_object(event, sent=not dry_run)))
            advance()
    if not as_json:
        _conclude(sent, by_file_uri, dry_run=dry_run)
    if refused:
        sys.exit(1)


@contextmanager
def _sender(*, dry_run: bool, force: bool) -> Iterator[Send]:
    # imported here: a dry run needs no Kafka, and --help needs neither
    if dry_run:
        from earmark.streams.producer import encoded

        yield lambda event: encoded(event, 0)
    else:
        from earmark.streams.header import FORCE
        from earmark.streams.producer import Producer

        headers = {FORCE: b"1"} if force else {}
        with Producer() as producer:
            yield lambda event: producer.send(event, headers=headers)


@contextmanager
def _bar(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A function that moves the bar on by one; nothing is drawn where no one would see it."""
    console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("events", total=total)
        yield lambda: progress.advance(task)


def _uri(event: ContentEvent) -> str:
    return (event.audio.uri or "") if event.audio else ""


def _as_object(event: ContentEvent, *, sent: bool) -> dict[str, object]:
    return {
        "content_id": event.content_id,
        "event_id": event.event_id,
        "content_type": event.content_type,
        "audio": None if event.audio is None else shown(_uri(event)) if _uri(event) else "inline",
        "texts": [text.field for text in event.texts],
        "sent": sent,
    }


def _conclude(sent: int, by_file_uri: int, *, dry_run: bool) -> None:
    deed = "checked, nothing sent" if dry_run else f"sent to {CONTENT_EVENTS}"
    click.echo(f"{sent} event{'' if sent == 1 else 's'} {deed}")
    if by_file_uri:
        click.echo(
            f"{by_file_uri} by file:// uri: the worker reads them if their folder is in its "
            "media.roots (EARMARK_MEDIA__ROOTS)",
            err=True,
        )
