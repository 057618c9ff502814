"""`earmark export`: signals as Parquet files, their history or what stood at a past moment."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from earmark.processors.quantity import quantity
from earmark.streams.endpoint import endpoint
from earmark.streams.progress import reading

if TYPE_CHECKING:
    from earmark.streams.export.run import Asked
    from earmark.streams.settings import Settings


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="SIGNAL...")
@click.option(
    "--parquet",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the files go; one that holds an export goes on where that was.",
)
@click.option("--from", "since", metavar="WHEN", help="First arrival: ISO 8601, or 2h, 7d ago.")
@click.option("--to", "until", metavar="WHEN", help="Arrivals before it; else up to now.")
@click.option(
    "--as-of", metavar="WHEN", help="Only what stood then, one record of each item; see above."
)
@click.option(
    "--file-records",
    type=click.IntRange(min=1),
    help="Records in a file at most, about; 500,000 unless 256 MB come first.",
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def export(
    names: tuple[str, ...],
    folder: Path,
    since: str | None,
    until: str | None,
    as_of: str | None,
    file_records: int | None,
    as_json: bool,
) -> None:
    """Write the records of SIGNAL... to Parquet files in a folder.

    SIGNAL is a name (audio.loudness), rejections, a topic, or all. The files lie in
    signal=NAME/day=YYYY-MM-DD/ by the day of arrival (UTC), with a column for each field of the
    signal's schema, and kafka_* for the record's place; a deletion is a row without fields.

    Called again, it writes what has come since, and nothing twice, however the last run ended. The
    files belong to the export once they have their names; _manifest.json lists them.

    With --as-of: for each item the latest record that had arrived then. Items deleted then are
    absent, and so are those erased since: called again, it reads all anew and replaces the files of
    these signals, without what was erased meanwhile. Compacted topics keep their history for a
    week.
    """
    from earmark.streams.export.run import export as run

    if as_of is not None and (since or until):
        raise click.UsageError("--as-of is one moment: leave out --from and --to")
    settings = endpoint()
    asked = _asked(names, since, until, as_of, file_records)
    if as_of is not None:
        _warn(settings, asked)
    with reading(quiet=as_json) as report:
        done = run(settings, folder, asked, report)
    if as_json:
        click.echo(json.dumps(done))
    else:
        _say(done)


def _asked(
    names: tuple[str, ...],
    since: str | None,
    until: str | None,
    as_of: str | None,
    file_records: int | None,
) -> "Asked":
    from earmark.streams.dead_letter import moment_ms
    from earmark.streams.export.run import FILE_RECORDS, Asked
    from earmark.streams.subscription.name import topics_named

    now = datetime.now(UTC)

    def at(written: str | None) -> int | None:
        return None if written is None else moment_ms(written, now=now)

    return Asked(
        topics=topics_named(names),
        since=since,
        since_ms=at(since),
        until_ms=at(until),
        as_of_ms=at(as_of),
        file_records=file_records or FILE_RECORDS,
    )


def _warn(settings: "Settings", asked: "Asked") -> None:
    from earmark.streams.export.run import compacted_since_ms
    from earmark.streams.topic import describe_cluster

    cluster = describe_cluster(settings.kafka, lambda topic: topic in asked.topics)
    whole_since = compacted_since_ms(cluster, time.time_ns() // 1_000_000)
    if whole_since is not None and (asked.as_of_ms or 0) < whole_since:
        since = datetime.fromtimestamp(whole_since / 1000, UTC)
        click.echo(
            f"earmark: before {since:%Y-%m-%d %H:%M} UTC the topics may have been compacted: "
            "items that were answered anew since then may be missing",
            err=True,
        )


def _say(done: dict[str, Any]) -> None:
    for name, counts in done["signals"].items():
        parts = [f"{quantity(counts['records'], 'record')} in {quantity(counts['files'], 'file')}"]
        if counts["new"] != counts["records"]:  # else all of them are
            parts.append(f"{_or_none(counts['new'])} of them new")
        if counts["deleted"]:
            parts.append(f"{counts['deleted']:,} of them deletions")
        if counts["unreadable"]:
            parts.append(f"{counts['unreadable']:,} that could not be read left out")
        click.echo(f"{name}: {', '.join(parts)}")


def _or_none(count: int) -> str:
    return f"{count:,}" if count else "none"
