"""`earmark subscribe`: prints signals and rejections as they arrive."""

import json
import logging
from contextlib import suppress
from datetime import datetime
from itertools import islice

import click

from earmark.processors.codec import jsonable
from earmark.streams.log import configure_logging
from earmark.streams.subscriber import ReceivedSignal, Subscription
from earmark.streams.subscriber import subscribe as subscribe_to
from earmark.streams.summary import headline


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--from-beginning", is_flag=True, help="Begin with what is there already.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="outcome=OK, scores.profanity>0.5, ...; with = != > >= < <=; all must hold.",
)
@click.option("--group", help="A consumer group, whose committed offsets say where to begin.")
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
    from_beginning: bool,
    where: tuple[str, ...],
    group: str | None,
    most: int | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Print what is published on NAMES.

    NAMES are signals (audio.loudness), rejections, dead-letters, topics, or all. Ends on Ctrl-C.
    """
    configure_logging(level=logging.WARNING)
    subscription = subscribe_to(
        *names, from_beginning=from_beginning, where=where, group_id=group, timeout_s=timeout
    )
    with suppress(KeyboardInterrupt), subscription:
        _print(subscription, most, as_json=as_json)


def _print(subscription: Subscription, most: int | None, *, as_json: bool) -> None:
    for signal in islice(subscription, most):
        click.echo(json.dumps(as_object(signal), ensure_ascii=False) if as_json else line(signal))


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
    # ids and words come from strangers: none of them may steer the terminal
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


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
