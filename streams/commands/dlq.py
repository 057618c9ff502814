"""`earmark dlq`: what operators do with dead letters."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial, wraps
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.codec import jsonable
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.quantity import quantity
from earmark.processors.schema import CONTENT_EVENTS, schema_of
from earmark.processors.wire import Codec
from earmark.streams.dead_letter import (
    UNKNOWN,
    DeadLetter,
    DeadLetters,
    OnRead,
    Place,
    Selection,
    delete_before,
    moment_ms,
)
from earmark.streams.dead_letter_text import (
    HEX_BYTES,
    Tally,
    letter_line,
    letter_object,
    letter_page,
)
from earmark.streams.endpoint import endpoint
from earmark.streams.erased_item import ErasedItems
from earmark.streams.progress import reading
from earmark.streams.redrive import LETTERS, Markers, Redriver, read_markers, was_redriven
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings

UNASKED = 100  # as many are redriven without a question


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the options say: whose letters, which of them, and how many at most."""

    topic: str
    selection: Selection
    limit: int | None


TOPIC = click.option("--topic", default=CONTENT_EVENTS, show_default=True, help="Whose letters.")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON, one object per line.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
SELECTING = (
    TOPIC,
    click.option("--class", "classes", multiple=True, help="Error class; may be repeated."),
    click.option("--key", "keys", multiple=True, help="Key (content_id); may be repeated."),
    click.option("--since", metavar="TIME", help="Arrived then or later: ISO 8601, or 2h, 7d."),
    click.option("--until", metavar="TIME", help="Arrived before."),
    click.option("--limit", type=click.IntRange(min=1), help="At most so many."),
)


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that select letters, as one `Query`."""

    @wraps(command)
    def queried(
        topic: str,
        classes: tuple[str, ...],
        keys: tuple[str, ...],
        since: str | None,
        until: str | None,
        limit: int | None,
        **others: object,
    ) -> None:
        now = datetime.now(UTC)
        selection = Selection(
            classes=classes,
            keys=keys,
            since_ms=None if since is None else moment_ms(since, now=now),
            until_ms=None if until is None else moment_ms(until, now=now),
        )
        command(Query(topic=topic, selection=selection, limit=limit), **others)

    for option in reversed(SELECTING):
        queried = option(queried)
    return queried


@click.group()
def dlq() -> None:
    """List, show, redrive and purge dead letters.

    Events that could not be used lie with their original bytes on <topic>.dlq. Times are in UTC.
    """


@dlq.command("list")
@selecting
@click.option("--each", is_flag=True, help="One line per letter instead of one per class.")
@JSON
def list_letters(query: Query, each: bool, as_json: bool) -> None:
    """Show which letters there are, and why."""
    settings = endpoint()
    tally = Tally()
    with DeadLetters(settings.kafka, query.topic) as letters, _bar("read", quiet=each) as report:
        _check_classes(letters, query.selection, report)
        markers = read_markers(settings.kafka, query.topic)
        for letter in islice(letters.select(query.selection, report), query.limit):
            redriven = was_redriven(letter, markers)
            if not each:
                tally.add(letter, redriven=redriven)
            elif as_json:
                click.echo(json.dumps(letter_object(letter, redriven=redriven)))
            else:
                click.echo(letter_line(letter, redriven=redriven))
    if not each:
        _show(tally, as_json=as_json)


@dlq.command()
@click.argument("place", metavar="PARTITION-OFFSET")
@TOPIC
@click.option(
    "--raw",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the original bytes to this file.",
)
@JSON
def show(place: str, topic: str, raw: Path | None, as_json: bool) -> None:
    """Show one letter: headers, reason, bytes, and the event in them where it can be read."""
    settings = endpoint()
    wanted = Place.parse(place)
    with DeadLetters(settings.kafka, topic) as letters:
        letter = next(letters.at([wanted]), None)
        if letter is None:
            raise ConfigurationError(f"there is no letter at {wanted} of {letters.topic}")
    if raw is not None:
        _write(raw, letter.value or b"")
    redriven = was_redriven(letter, read_markers(settings.kafka, topic))
    record, undecodable = _decoded(letter, topic, settings)
    if as_json:
        shown = {"value_hex": (letter.value or b"")[:HEX_BYTES].hex()}
        event = {"record": jsonable(record), "undecodable": undecodable}
        click.echo(json.dumps(letter_object(letter, redriven=redriven) | shown | event))
        return
    for line in letter_page(letter, record, undecodable, redriven=redriven):
        click.echo(line)


@dlq.command()
@selecting
@click.option("--dry-run", is_flag=True, help="Say what would go, send nothing.")
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=LETTERS,
    show_default=True,
    help="Letters in one transaction.",
)
@YES
@JSON
def redrive(query: Query, dry_run: bool, batch: int, yes: bool, as_json: bool) -> None:
    """Put letters back on their topic, each once.

    They go with key, value and their own headers, earmark.attempt and
    earmark.redriven-from. What was redriven before is left out, also by a run that was killed, and
    so is what its item's deletion supersedes; --limit counts the others. Of two redrives of a topic
    at once, the later ends the earlier.
    """
    settings = endpoint()
    with DeadLetters(settings.kafka, query.topic) as letters:
        markers = read_markers(settings.kafka, query.topic)
        places, tally, erased = _waiting(letters, query, markers, settings)
        if dry_run:
            _show(tally, as_json=as_json)
            _say(f"{_letters(len(places))} would go to {query.topic}", quiet=as_json)
            _say_erased(erased, quiet=as_json)
            return
        if len(places) > UNASKED and not yes:
            _ask(f"redrive {_letters(len(places))} to {query.topic}?")
        sent = too_large = 0
        if places:
            with _bar("redriven", quiet=as_json) as report:
                done = Redriver(settings.kafka, letters).run(
                    places, batch=batch, on_sent=lambda count: report(count, len(places))
                )
            sent, too_large = done.sent, done.too_large
    if as_json:
        click.echo(json.dumps({"redriven": sent, "too_large": too_large, "erased": erased}))
    _say(f"{_letters(sent)} redriven to {query.topic}", quiet=as_json)
    _say_erased(erased, quiet=as_json)
    if too_large:
        raise ServiceError(f"{_letters(too_large)} left where they are: no broker would take them")


@dlq.command()
@selecting
@YES
@JSON
def purge(query: Query, yes: bool, as_json: bool) -> None:
    """Delete the letters that arrived before --until, for good."""
    chosen = query.selection
    if chosen.until_ms is None:
        raise ConfigurationError("purge needs --until: it deletes what arrived before that time")
    if chosen.classes or chosen.keys or chosen.since_ms is not None or query.limit is not None:
        raise ConfigurationError(
            "purge deletes all letters up to a time, Kafka deletes no others: "
            "leave out --class, --key, --since and --limit"
        )
    settings = endpoint()
    with DeadLetters(settings.kafka, query.topic) as letters:
        markers = read_markers(settings.kafka, query.topic)
        spans = letters.spans(until_ms=chosen.until_ms)
        found = kept_back = 0
        with _bar("read", quiet=as_json) as report:
            for letter in letters.within(spans, report):
                found += 1
                kept_back += not was_redriven(letter, markers)
        asked = f"delete {_letters(found)} of {letters.topic}, {kept_back} of them never redriven?"
        if found and not yes:
            _ask(asked)
        delete_before(settings.kafka, letters.topic, spans)
    if as_json:
        click.echo(json.dumps({"deleted": found, "never_redriven": kept_back}))
    _say(f"{_letters(found)} deleted, {kept_back} of them never redriven", quiet=as_json)


def _check_classes(letters: DeadLetters, selection: Selection, report: OnRead) -> None:
    """Raises ConfigurationError for a class that neither this Earmark nor any letter knows.

    Only for one that this Earmark does not know all letters are read: those of a newer one may
    have it.
    """
    known = {*map(str, RejectionClass), UNKNOWN}
    if not (strange := {name.upper() for name in selection.classes} - known):
        return
    there = {letter.error_class.upper() for letter in letters.select(Selection(), report)}
    if unheard := sorted(strange - there):
        raise ConfigurationError(
            f"no letter of {letters.topic} has class {unheard[0]}; "
            f"there are: {', '.join(sorted(known | there))}"
        )


def _show(tally: Tally, *, as_json: bool) -> None:
    if not as_json:
        Console().print(tally.table())
        return
    for found in tally.objects():
        click.echo(json.dumps(found))


def _waiting(
    letters: DeadLetters, query: Query, markers: Markers, settings: Settings
) -> tuple[list[Place], Tally, int]:
    """The letters selected that were not redriven yet, and how many of erased items are not.

    The latter are left out: their content would lie among the events again.
    """
    places, tally, erased = [], Tally(), 0
    with Registry(settings.registry) as registry, _bar("read", quiet=False) as report:
        _check_classes(letters, query.selection, report)
        gone = _erased_items(query.topic, settings, registry)
        selected = letters.select(query.selection, report)
        for letter in (it for it in selected if not was_redriven(it, markers)):
            if gone is not None and gone.cover(letter):
                erased += 1
                continue
            places.append(letter.place)
            tally.add(letter)
            if len(places) == query.limit:
                break
    return places, tally, erased


def _erased_items(topic: str, settings: Settings, registry: Registry) -> ErasedItems | None:
    """Whom the receipts call erased; None for letters of a topic that has no receipts."""
    if topic != CONTENT_EVENTS:
        return None
    with reading() as report:
        return ErasedItems(settings.kafka, registry, report)


def _say_erased(count: int, *, quiet: bool) -> None:
    if count:
        _say(f"{_letters(count)} of erased items left where they are", quiet=quiet)


def _decoded(letter: DeadLetter, topic: str, settings: Settings) -> tuple[Any, str | None]:
    """The record in the letter, or why there is none to be shown."""
    if letter.value is None:
        return None, "a record without a value"
    try:
        with Registry(settings.registry) as registry:
            codec = Codec(schema_of(topic), writer_schema=registry.schema_by_id)
            return codec.decode(letter.value), None
    except (ContentError, ServiceError, ConfigurationError) as error:
        return None, str(error)


def _letters(count: int) -> str:
    return quantity(count, "letter")


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        click.echo(text)


def _ask(question: str) -> None:
    """Go on only if the answer is yes."""
    if not click.confirm(question, err=True):
        raise click.Abort


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"--raw {path}: {error.strerror}") from error


@contextmanager
def _bar(label: str, *, quiet: bool) -> Iterator[OnRead]:
    """A function that says that `done` of `total` are done."""
    with reading(quiet=quiet) as report:
        yield partial(report, label)
