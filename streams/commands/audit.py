"""`earmark audit`: which events lack signals that they should have."""

import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from earmark.streams.audit_tally import AuditTally
from earmark.streams.audit_verdict import AuditVerdict
from earmark.streams.printable import printable

MINUTE_MS = 60_000
LISTED = 100
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@click.command()
@click.option(
    "--after",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="MINUTES",
    help="Events that arrived so long ago or earlier.",
)
@click.option("--since", metavar="TIME", help="And arrived then or later: ISO 8601, or 2h, 7d.")
@click.option("--content-type", "types", multiple=True, help="Only TRACK, ...; may be repeated.")
@click.option(
    "--signals", help="Only these, separated by commas; else all, or as the settings say."
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=LISTED,
    show_default=True,
    help="List at most so many, 0: all; the summary counts all.",
)
@click.option(
    "--textfile",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what was found as Prometheus metrics, for the node exporter.",
)
@click.option(
    "--watch",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Again and again, so long after each; lists nothing, and serves metrics.",
)
@click.option(
    "--http-port", type=click.IntRange(0, 65535), help="With --watch: for metrics; any free one."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event, then a summary.")
def audit(
    after: float,
    since: str | None,
    types: tuple[str, ...],
    signals: str | None,
    limit: int,
    textfile: Path | None,
    watch: float | None,
    http_port: int | None,
    as_json: bool,
) -> None:
    """List the events that lack signals which they should have.

    Of each item its latest event counts. Lists place, item, event, age, state and what is missing.

    \b
    UNANSWERED  no worker has answered it
    MISSING     answered, but signals are not on their topics
    RETRYING    waits for another attempt, at the time that is shown
    LONG        waits among the events with long audio
    NOT_ERASED  deletes its item, and answers still stand
    UNREADABLE  no event, and no rejection says so

    A rejection is an answer, and so is a signal that ended in ERROR. Ends with 0 if every event is
    complete, with 1 if anything is missing.

    With --watch it goes on until Ctrl-C, and says in one line each time what it found. Each audit
    reads the topics anew: bound it by --since, as in --watch 300 --since 2h --after 10.
    """
    if watch is None and http_port is not None:
        raise click.UsageError("--http-port is for --watch")
    if watch is not None:
        from earmark.streams.audit_watch import watched

        def once(now_ms: int) -> Iterable[AuditVerdict]:
            return _verdicts(now_ms, after, since, types, signals, quiet=True)

        watched(once, every_s=watch, textfile=textfile, http_port=http_port or 0, as_json=as_json)
        return
    query_ms = time.time_ns() // 1_000_000
    tally = AuditTally()
    for verdict in _verdicts(query_ms, after, since, types, signals, quiet=as_json):
        tally.add(verdict)
        if verdict.lacking and (not limit or tally.lacking <= limit):
            text = json.dumps(as_object(verdict)) if as_json else line(verdict, now_ms=query_ms)
            click.echo(text)
    if textfile is not None:
        from earmark.streams.audit_watch import metrics_of

        metrics_of(tally, begun_ms=query_ms).write(textfile)
    if as_json:
        click.echo(json.dumps({"summary": tally.as_object()}))
    else:
        _conclude(tally, listed=min(limit or tally.lacking, tally.lacking))
    if tally.lacking:
        sys.exit(1)


def _verdicts(
    now_ms: int,
    after: float,
    since: str | None,
    types: tuple[str, ...],
    signals: str | None,
    *,
    quiet: bool,
) -> Iterable[AuditVerdict]:
    # imported here: --help needs neither Kafka nor torch
    from earmark.streams.audit import Audit, AuditQuery
    from earmark.streams.dead_letter import moment_ms
    from earmark.streams.endpoint import endpoint
    from earmark.streams.progress import reading

    query = AuditQuery(
        until_ms=now_ms - int(after * MINUTE_MS),
        since_ms=None if since is None else moment_ms(since, now=datetime.now(UTC)),
        content_types=types,
        signals=tuple(name.strip() for name in signals.split(",")) if signals else (),
    )
    with reading(quiet=quiet) as report:
        asked = Audit(endpoint(), query, report)
        book = asked.book()
        asked.fill(book)
    with book:
        yield from book.verdicts()


def as_object(verdict: AuditVerdict) -> dict[str, object]:
    """One event for programs."""
    return {
        "place": f"{verdict.partition}-{verdict.offset}",
        "content_id": verdict.content_id or None,
        "event_id": verdict.event_id or None,
        "arrived": verdict.arrived_ms,
        "state": verdict.state,
        "missing": list(verdict.missing),
        "due": verdict.due_ms,
        "reason": verdict.reason,
    }


def line(verdict: AuditVerdict, *, now_ms: int) -> str:
    """One event for people."""
    place, age = f"{verdict.partition}-{verdict.offset}", _age(now_ms - verdict.arrived_ms)
    names = f"{verdict.content_id or '-':<24}  {verdict.event_id or '-':<24}"
    text = f"{place:<10}  {names}  {age:>6}  {verdict.state:<10}  {_says(verdict)}".rstrip()
    return printable(text)


def _says(verdict: AuditVerdict) -> str:
    due = "" if verdict.due_ms is None else f"due {_moment(verdict.due_ms)}: "
    return due + (verdict.reason or ", ".join(verdict.missing))


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _age(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1000
    number, unit = next(((n, name) for n, name in _UNITS if seconds >= n), (1, "s"))
    return f"{seconds // number} {unit}"


def _conclude(tally: AuditTally, *, listed: int) -> None:
    if listed < tally.lacking:
        click.echo(f"and {tally.lacking - listed:,} more (--limit 0 lists all)")
    click.echo(tally.as_line())
    for title, counts in (
        ("by state", tally.states),
        ("missing", tally.missing),
        ("not erased", tally.not_erased),
    ):
        if counts:
            words = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
            click.echo(f"{title}: {words}")
