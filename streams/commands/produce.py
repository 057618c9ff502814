"""`earmark produce`: content events from files, sent to Kafka."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.processors.content import ContentEvent, ContentType
from earmark.processors.error import ContentError
from earmark.processors.quantity import quantity
from earmark.processors.schema import CONTENT_EVENTS
from earmark.streams.address import shown
from earmark.streams.backfill import Backfill, Report, Sender
from earmark.streams.checkpoint import Checkpoint
from earmark.streams.content_files import read_events, stamped_now, survey, template
from earmark.streams.interrupt import kept_interrupts
from earmark.streams.printable import printable
from earmark.streams.progress import sending
from earmark.streams.standing import Standing
from earmark.streams.turn import Turns

if TYPE_CHECKING:
    from earmark.streams.producer import Producer


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--content-type", default=ContentType.OTHER.value, help="TRACK, EPISODE, COMMENT ...")
@click.option("--language", help="Declared language, BCP-47.")
@click.option("--source", default="files", help="Who sends; in each event and its headers.")
@click.option("--tenant", default="", help="Whose content it is.")
@click.option("--force", is_flag=True, help="Have signals written even where nothing changed.")
@click.option("--ignore-unknown", is_flag=True, help="Pass over fields that events do not have.")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Most events a second, evenly sent."
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep in FILE how far it has come, and go on from there.",
)
@click.option("--dry-run", is_flag=True, help="Make and check the events, send nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event.")
def produce(
    paths: tuple[Path, ...],
    content_type: str,
    language: str | None,
    source: str,
    tenant: str,
    force: bool,
    ignore_unknown: bool,
    rate: float | None,
    resume: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make content events from PATHS and send them.

    PATHS are audio files, text files, .jsonl and .parquet files of content events, and folders of
    these. Small recordings travel in the event; larger ones as file:// uris, which the worker
    reads only under the folders in its media.roots. An event without a revision gets the time as
    one: what is sent later counts as newer, and a signal is written again only where what it reads
    has changed. Ends with 1 if an event was refused.

    A Parquet file has the fields of an event as its columns, or flat ones: audio_uri,
    audio_sha256, audio_size_bytes, audio_media_type, and text_title for the text `title`.

    With --resume FILE a run that was ended in any way goes on when it is started again with the
    same arguments, behind the last event before which all were acknowledged. After a kill, up to a
    second of events is sent twice, with the same ids and revisions, so that they change nothing;
    after Ctrl-C only what was never acknowledged. Revisions are the time at which the run began.
    When all is sent, FILE says so, and a further start sends nothing.
    """
    if resume and dry_run:
        raise click.UsageError("--resume keeps what was sent, and --dry-run sends nothing")
    given = template(content_type=content_type, language=language, source=source, tenant=tenant)
    order = _Order(
        paths=tuple(path.absolute() for path in paths),
        given=given,
        force=force,
        ignore_unknown=ignore_unknown,
        rate=rate,
        dry_run=dry_run,
        as_json=as_json,
    )
    # before anything is sent: a path or a column that cannot be used ends it here
    total_bytes = survey(paths, ignore_unknown=ignore_unknown)
    with _checkpoint(resume, order) as checkpoint:
        if checkpoint and checkpoint.finished:
            standing = checkpoint.standing
            click.echo(f"nothing left to send: {resume} says that all was sent", err=True)
        else:
            standing = _sent(order, checkpoint, total_bytes)
    if standing.refused:
        sys.exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is to be sent, and how."""

    paths: tuple[Path, ...]
    given: ContentEvent
    force: bool
    ignore_unknown: bool
    rate: float | None
    dry_run: bool
    as_json: bool

    @property
    def arguments(self) -> dict[str, object]:
        """What decides the events, as people know it."""
        given = self.given
        return {
            "paths": [str(path) for path in self.paths],
            "content_type": given.content_type,
            "language": given.language,
            "source": given.source,
            "tenant": given.tenant,
            "force": self.force,
            "ignore_unknown": self.ignore_unknown,
        }


def _checkpoint(
    resume: Path | None, order: _Order
) -> AbstractContextManager[Checkpoint] | AbstractContextManager[None]:
    return Checkpoint(resume, order.arguments) if resume else nullcontext()


def _sent(order: _Order, checkpoint: Checkpoint | None, total_bytes: int) -> Standing:
    """Send what is left, and say to people what is to be known of it before and after."""
    if not order.as_json:
        _hint_at_type(order.given.content_type)
    standing = _send_all(order, checkpoint, total_bytes)
    if not order.as_json:
        _conclude(standing, dry_run=order.dry_run)
    return standing


def _send_all(order: _Order, checkpoint: Checkpoint | None, total_bytes: int) -> Standing:
    standing = checkpoint.standing if checkpoint else Standing()
    reads = read_events(
        order.paths, order.given, ignore_unknown=order.ignore_unknown, start=standing.bookmark
    )
    with sending(total_bytes, quiet=order.as_json) as bar, kept_interrupts() as check:
        backfill = Backfill(
            stamped=checkpoint.run.stamped if checkpoint else stamped_now,
            turns=Turns(None if order.dry_run else order.rate),
            standing=standing,
            unread=_unread(),
            on_sent=partial(_print, sent=not order.dry_run) if order.as_json else _print_nothing,
            on_refused=_complain,
            report=_reporting(bar, checkpoint),
            check=check,
        )
        # what was on its way when the sender ended is known when the checkpoint is written
        with _kept(checkpoint, backfill), _sender(order, checkpoint) as sender:
            backfill.run(sender, reads)
    return backfill.standing


def _unread() -> Callable[[ContentEvent], bool]:
    """Whether an event names a file that neither the stack's worker reads nor these settings."""
    from earmark.streams.address import AddressPolicy
    from earmark.streams.local.state import reading_as_stack, resolve_settings
    from earmark.streams.settings import load_settings

    policy = AddressPolicy(reading_as_stack(resolve_settings(load_settings())).media)

    def unread(event: ContentEvent) -> bool:
        uri = (event.audio.uri if event.audio else None) or ""
        if not uri.startswith("file:"):
            return False
        try:
            policy.local_path(uri)
        except ContentError:
            return True
        return False

    return unread


@contextmanager
def _kept(checkpoint: Checkpoint | None, backfill: Backfill) -> Iterator[None]:
    """Write in the end how far it has come, however it ends."""
    finished = False
    try:
        yield
        finished = True
    finally:
        if checkpoint and checkpoint.begun:
            standing = backfill.standing
            checkpoint.keep(standing, finished=finished)
            if not finished:
                click.echo(
                    f"earmark: {quantity(standing.sent, 'event')} acknowledged so far; "
                    "the same command goes on from there",
                    err=True,
                )


@contextmanager
def _sender(order: _Order, checkpoint: Checkpoint | None) -> Iterator[Sender]:
    # imported here: a dry run needs no Kafka, and --help needs neither
    if order.dry_run:
        yield _Checker()
        return
    from earmark.streams.producer import Producer

    with Producer() as producer:
        if checkpoint:
            checkpoint.begin(producer.cluster_id)
        yield _Marked(producer) if order.force else producer


class _Checker:
    """Sends nothing, and says of each event whether it could be sent."""

    def send(self, event: ContentEvent, *, on_delivered: Callable[[], None]) -> None:
        from earmark.streams.producer import encoded

        encoded(event, 0)
        on_delivered()

    def serve(self, _: float) -> int:
        return 0


class _Marked:
    """Sends events that are answered even where nothing changed."""

    def __init__(self, producer: "Producer") -> None:
        from earmark.streams.header import FORCE

        self._headers = {FORCE: b"1"}
        self._producer = producer
        self.serve = producer.serve

    def send(self, event: ContentEvent, *, on_delivered: Callable[[], None]) -> None:
        self._producer.send(event, headers=self._headers, on_delivered=on_delivered)


def _reporting(bar: Callable[[int, int], None], checkpoint: Checkpoint | None) -> Report:
    def report(standing: Standing) -> None:
        bar(standing.settled, standing.bookmark.done_bytes)
        if checkpoint:
            checkpoint.note(standing)

    return report


def _complain(event: ContentEvent, error: ContentError) -> None:
    click.echo(f"earmark: {event.content_id}: {error}", err=True)


def _print_nothing(event: ContentEvent) -> None:
    pass


def _print(event: ContentEvent, *, sent: bool) -> None:
    click.echo(json.dumps(_as_object(event, sent=sent)))


def _as_object(event: ContentEvent, *, sent: bool) -> dict[str, object]:
    uri = event.audio.uri if event.audio else None
    return {
        "content_id": event.content_id,
        "event_id": event.event_id,
        "content_type": event.content_type,
        "audio": None if event.audio is None else shown(uri) if uri else "inline",
        "texts": [text.field for text in event.texts],
        "sent": sent,
    }


def _hint_at_type(content_type: str) -> None:
    if content_type not in set(ContentType):
        click.echo(
            f"content type {printable(content_type)} is carried through unread: policies and "
            f"signals know {', '.join(ContentType)}",
            err=True,
        )


def _conclude(standing: Standing, *, dry_run: bool) -> None:
    deed = "checked, nothing sent" if dry_run else f"sent to {CONTENT_EVENTS}"
    click.echo(f"{quantity(standing.sent, 'event')} {deed}")
    if standing.by_file_uri:
        click.echo(
            f"{standing.by_file_uri} by file:// uri: the worker reads them if their folder is in "
            "its media.roots (EARMARK_MEDIA__ROOTS)",
            err=True,
        )
