"""`earmark subscribe`: prints signals and rejections as they arrive."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from earmark.processors.codec import jsonable
from earmark.streams.log import configure_logging
from earmark.streams.printable import printable
from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.subscriber import subscribe as subscribe_to
from earmark.streams.subscription.latest import latest
from earmark.streams.summary import headline


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--from-beginning", is_flag=True, help="Begin with what is there already.")
@click.option("--since", metavar="WHEN", help="Begin with what arrived then: ISO 8601, or 2h ago.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="outcome=OK, scores.profanity>0.5, labels=hate, scores.*>=0.9, ...; with = != > >= < <=; "
    "all must hold.",
)
@click.option("--content-type", multiple=True, help="Only TRACK, ...; repeated: any of them.")
@click.option("--label", multiple=True, help="Only what has the label; repeated: any of them.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    help="Only from this score on, of the label or of any.",
)
@click.option("--deletions", is_flag=True, help="Let deletions through all of these.")
@click.option("--group", help="A consumer group, whose committed offsets say where to begin.")
@click.option(
    "--latest",
    "table",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the latest record of each item in this file of SQLite; print what changes there.",
)
@click.option("--max", "most", type=click.IntRange(min=1), help="End after so many.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End when nothing has come for so long.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per record.")
def subscribe(
    names: tuple[str, ...],
    table: Path | None,
    timeout: float | None,
    most: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print what is published on NAMES.

    NAMES are signals (audio.loudness), rejections, dead-letters, topics, or all. Ends on Ctrl-C.
    """
    configure_logging(level=logging.WARNING)
    with suppress(KeyboardInterrupt), ExitStack() as undo:
        if table is not None:
            _refuse_beginnings(options)
            held = undo.enter_context(latest(*names, path=table, **_filters(options)))
            signals: Iterator[ReceivedSignal] = undo.enter_context(closing(held.follow(timeout)))
        else:
            signals = undo.enter_context(
                subscribe_to(
                    *names,
                    from_beginning=options["from_beginning"],
                    since=options["since"],
                    deletions=options["deletions"],
                    group_id=options["group"],
                    timeout_s=timeout,
                    **_filters(options),
                )
            )
        _print(signals, most, as_json=as_json)


def _filters(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("where", "content_type", "label", "min_score")}


def _refuse_beginnings(options: Mapping[str, Any]) -> None:
    for name in ("from_beginning", "since", "deletions", "group"):
        if options[name]:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"a table goes on where it was: leave out {option}")


def _print(signals: Iterable[ReceivedSignal], most: int | None, *, as_json: bool) -> None:
    for signal in islice(signals, most):
        click.echo(json_line(signal) if as_json else line(signal))


def json_line(signal: ReceivedSignal) -> str:
    """As JSON: in ASCII where its letters would steer a terminal, or are no Unicode."""
    record = as_object(signal)
    text = json.dumps(record, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(record)


def as_object(signal: ReceivedSignal) -> dict[str, object]:
    """The record's fields, with `signal` (its name) and `kafka` (its place and headers)."""
    place = {
        "topic": signal.topic,
        "partition": signal.partition,
        "offset": signal.offset,
        "timestamp": signal.timestamp,
        "key": signal.key,
        "deleted": signal.deleted,
        "headers": {name: value.decode(errors="replace") for name, value in signal.headers.items()},
    }
    return {"signal": signal.name, **jsonable(signal.record), "kafka": place}


def line(signal: ReceivedSignal) -> str:
    """One line for people: time, signal, item, outcome, and what it says."""
    at = datetime.fromtimestamp(signal.timestamp / 1000).strftime("%H:%M:%S")
    outcome, says = _says(signal)
    text = f"{at}  {signal.name:<16}  {signal.key:<24}  {outcome:<9}  {says}".rstrip()
    return printable(text)


def _says(signal: ReceivedSignal) -> tuple[str, str]:
    if signal.deleted:
        return "DELETED", ""
    if signal.name == "rejections":
        record = signal.record
        return "REJECTED", f"{record['part']}: {record['rejection_class']}: {record['reason']}"
    if signal.name == "dead-letters":
        error = signal.headers.get("__streams.errors.message", b"").decode(errors="replace")
        return "DEAD", f"{len(signal.value or b''):,} bytes: {error}"
    if "outcome" not in signal.record:
        return "", ""
    return str(signal.record["outcome"]), headline(signal.name, signal.record)
