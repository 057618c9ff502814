"""`earmark match`: finds copies of recordings, and passages that they share, by fingerprints."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Column

from earmark.processors.quantity import quantity
from earmark.streams.fitting import Fitting, last_below
from earmark.streams.printable import printable

if TYPE_CHECKING:
    from earmark.processors.outcome import Outcome
    from earmark.streams.fingerprint_index import FingerprintIndex, IndexedItem, Match
    from earmark.streams.settings import Settings

SIGNAL = "audio.fingerprint"
ITEM_LETTERS = 20  # of an item's name in the line of its row


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--index", "path", type=click.Path(path_type=Path), help="The file of the index.")
@click.option("--add", is_flag=True, help="Add the files to the index, each when it is matched.")
@click.option(
    "--from-topic", is_flag=True, help="First bring the index up to what stands on the topic."
)
@click.option("--pairs", is_flag=True, help="Report what in the index shares a passage.")
@click.option("--remove", multiple=True, metavar="CONTENT_ID", help="Remove an item first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file, or pair.")
def match(
    files: tuple[Path, ...],
    path: Path | None,
    add: bool,
    from_topic: bool,
    pairs: bool,
    remove: tuple[str, ...],
    as_json: bool,
) -> None:
    """Match FILES against an index of fingerprints.

    FILES are recordings, and .jsonl or .parquet files of content events. Each is fingerprinted as
    the signal audio.fingerprint is, and the items of the index that share a passage of it are
    shown: the share of its landmarks there that agree, how long the passage is, and where in the
    item the file begins.

    The index is one file, EARMARK_FINGERPRINTS or fingerprints.sqlite in the state's folder. With
    --add the files themselves become items of it; with --from-topic it holds what the topic
    signals.audio.fingerprint.v1 holds, deletions too, and goes on where it last ended.

    Ends with 1 if none of the files has a fingerprint.
    """
    from earmark.streams.endpoint import endpoint
    from earmark.streams.fingerprint_index import FingerprintIndex
    from earmark.streams.log import configure_logging
    from earmark.streams.settings import load_settings

    if add and not files:
        raise click.UsageError("--add needs FILES")
    if not (files or from_topic or pairs or remove):
        raise click.UsageError("name FILES to match, or --from-topic, --pairs or --remove")
    configure_logging(level=logging.WARNING)
    settings = endpoint() if from_topic else load_settings()
    with FingerprintIndex(path or settings.fingerprint_index, make=add or from_topic) as index:
        if from_topic:
            _feed(index, settings, quiet=as_json)
        if remove:
            _say(f"{index.forget(remove)} of {len(remove)} items removed", quiet=as_json)
        if pairs:
            _show_pairs(index, as_json=as_json)
        if files and not _match_files(files, index, settings, add=add, as_json=as_json):
            sys.exit(1)


def _feed(index: "FingerprintIndex", settings: "Settings", *, quiet: bool) -> None:
    from earmark.streams.fingerprint_feed import feed
    from earmark.streams.progress import reading

    with reading(quiet=quiet) as report:
        fed = feed(index, settings, report)
    _say(
        f"{fed.added:,} added, {fed.removed:,} removed, {fed.passed_over:,} without a fingerprint; "
        f"{len(index):,} items in the index",
        quiet=quiet,
    )


def _say(line: str, *, quiet: bool) -> None:
    """For people, beside what programs read."""
    if not quiet:
        click.echo(line, err=True)


def _match_files(
    files: Sequence[Path],
    index: "FingerprintIndex",
    settings: "Settings",
    *,
    add: bool,
    as_json: bool,
) -> bool:
    """Show the matches of each file; whether any of them has a fingerprint."""
    from earmark.streams.content_files import events_from
    from earmark.streams.local_scoring import score_events
    from earmark.streams.progress import reading

    events = [event for event in events_from(files) if event.audio is not None]
    if not events:
        raise click.UsageError("there is no recording in FILES")
    any_found = False
    with reading(quiet=as_json) as report:
        outcomes = score_events(events, settings, signals=[SIGNAL], device="cpu", precision="fp32")
        for done, outcome in enumerate(outcomes, start=1):
            any_found |= _match_outcome(outcome, index, add=add, as_json=as_json)
            report("recordings", done, len(events))
    return any_found


def _match_outcome(
    outcome: "Outcome", index: "FingerprintIndex", *, add: bool, as_json: bool
) -> bool:
    from earmark.processors.codec import signal_record
    from earmark.processors.outcome import Rejection
    from earmark.streams.fingerprint_feed import indexed_item

    content_id = outcome.event.content_id if outcome.event else ""
    if isinstance(outcome, Rejection):
        reason = f"{outcome.error.rejection_class}: {outcome.error.reason}"
        _show(content_id, {"outcome": "REJECTED", "reason": reason}, [], as_json=as_json)
        return False
    record = signal_record(outcome)
    item = indexed_item(content_id, record)
    found = [] if item is None else index.match(item.fingerprint, pcm_digest=item.pcm_digest)
    _show(content_id, record, found, as_json=as_json)
    if item is not None and add:
        index.write([item])
    return item is not None


def _show(
    content_id: str, record: Mapping[str, object], found: "Sequence[Match]", *, as_json: bool
) -> None:
    if as_json:
        head = {name: record[name] for name in ("outcome", "reason")}
        matches = [asdict(each) for each in found]
        click.echo(json.dumps({"content_id": content_id, **head, "matches": matches}))
        return
    if record["outcome"] != "OK":
        click.echo(printable(f"{content_id}: {record['outcome']}: {record['reason']}"))
        return
    click.echo(printable(f"{content_id}: {_matches(len(found))}"))
    if found:
        Console().print(match_table(found))


def _matches(count: int) -> str:
    return quantity(count, "match", "matches") if count else "no matches"


def match_table(found: "Sequence[Match]") -> Fitting:
    """A line for each match; where it is narrow, long names have lines of their own."""
    names = ("item", "score", "matched", "from", "begins in the item at")
    columns = [Column(it, justify="left" if it == "item" else "right") for it in names]
    rows = [((printable(it.content_id), *_cells(it)), _sameness(it)) for it in found]
    return last_below(columns, Column(), rows, longest=ITEM_LETTERS)


def _cells(found: "Match") -> Iterator[str]:
    yield f"{found.score:.2f}"
    yield f"{found.matched_ms / 1000:.1f} s"
    yield f"{found.start_ms / 1000:.1f} s"
    yield f"{round(found.offset_ms / 1000, 1) + 0:.1f} s"  # a frame before it is no -0.0


def _sameness(found: "Match") -> str | None:
    return "same samples" if found.same_pcm else None


def _show_pairs(index: "FingerprintIndex", *, as_json: bool) -> None:
    """Every two items that share a passage, as they are found."""
    from earmark.streams.progress import reading

    total, count = len(index), 0
    with reading(quiet=as_json) as report:
        for done, item in enumerate(index.items(), start=1):
            report("items", done, total)
            for other in _others(index, item):
                count += 1
                _show_pair(item.content_id, other, as_json=as_json)
    _say(f"{quantity(count, 'pair')} among {total:,} items", quiet=as_json)


def _others(index: "FingerprintIndex", item: "IndexedItem") -> "Iterator[Match]":
    """What shares a passage with the item, of those behind it in the order of ids."""
    for other in index.match(item.fingerprint, pcm_digest=item.pcm_digest):
        if other.content_id > item.content_id:
            yield other


def _show_pair(content_id: str, other: "Match", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"content_id": content_id, "match": asdict(other)}))
        return
    line = f"{content_id}  {other.content_id}  {'  '.join(_cells(other))}"
    if (same := _sameness(other)) is not None:
        line += f"  {same}"
    click.echo(printable(line))
