"""`earmark erase`: erases items, and proves that nothing of them stands."""

import json
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Column
from rich.text import Text as Cell

from earmark.processors.quantity import quantity
from earmark.streams.fitting import INDENT, last_below
from earmark.streams.printable import printable

if TYPE_CHECKING:
    from earmark.streams.deletion import Deletion
    from earmark.streams.erasure import Store
    from earmark.streams.erasure_proof import StoreFinding
    from earmark.streams.settings import Settings

WAIT_S = 60.0
PLACES = 4  # shown of each store; JSON has them all
STORE_LETTERS = 40  # of a store's name leave room for what is said of it on 80 columns
NOTHING = "-"  # in the table of stores


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What was done about one item, and what is left of it where that was asked."""

    deletion: "Deletion"
    sent: bool
    answered: bool
    reason: str = ""  # why it is not answered, where that was waited for
    findings: Sequence["StoreFinding"] = field(default_factory=tuple)


@click.command()
@click.argument("content_ids", nargs=-1, metavar="CONTENT_ID...")
@click.option("--verify", is_flag=True, help="Read every store and say what is left of the items.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=WAIT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the workers' answer; 0: not at all.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent, send nothing.")
@click.option("--force", is_flag=True, help="Send deletions of items that are erased already.")
@click.option(
    "--stores", is_flag=True, help="Show the table of stores, and how erasure works there."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per item, or store.")
def erase(
    content_ids: tuple[str, ...],
    verify: bool,
    wait_s: float,
    dry_run: bool,
    force: bool,
    stores: bool,
    as_json: bool,
) -> None:
    """Erase items, and prove that nothing of them stands.

    Sends an event with change=DELETED for each item that is not erased yet, and waits until its
    receipt says that the workers have put tombstones. What is sent about the item later counts
    again if its revision is higher: erase it at its source first.

    With --verify every topic and every store on this machine is read, for each of the items:

    \b
    GONE         nothing is there
    COVERED      nothing stands; older records go by compaction until the time shown
    HELD         older records go when their retention is over, at the time shown
    STILL_THERE  something stands, may come back or has no end

    The time is the latest; compaction takes another record in the partition to begin. Ends with 1
    if an item was not answered or anything of it is STILL_THERE.
    """
    if stores:
        _show_stores(as_json=as_json)
        return
    if not content_ids:
        raise click.UsageError("name at least one CONTENT_ID")
    items = tuple(dict.fromkeys(content_ids))
    _check(items)
    outcomes = _erased(
        items, verify=verify, wait_s=wait_s, dry_run=dry_run, force=force, quiet=as_json
    )
    for outcome in outcomes:
        if as_json:
            click.echo(json.dumps(as_object(outcome, verified=verify)))
        else:
            _show(outcome, dry_run=dry_run, verified=verify)
    if not all(map(_is_erased, outcomes)):
        sys.exit(1)


def _check(items: Collection[str]) -> None:
    """Raises UsageError for what is no id of an item."""
    from earmark.processors.content import Change, ContentEvent, validated
    from earmark.processors.error import ContentError

    for item in items:
        try:
            validated(ContentEvent(event_id="-", content_id=item, change=Change.DELETED))
        except ContentError as error:
            raise click.UsageError(f"{item!r} names no item: {error.reason}") from error


def _erased(
    items: Collection[str],
    *,
    verify: bool,
    wait_s: float,
    dry_run: bool,
    force: bool,
    quiet: bool,
) -> list[Outcome]:
    # imported here: --help and --stores need no Kafka
    from earmark.streams.deletion import deletions
    from earmark.streams.endpoint import endpoint
    from earmark.streams.erasure_proof import prove
    from earmark.streams.progress import reading

    settings = endpoint()
    with reading(quiet=quiet) as report:
        planned = deletions(settings, items, report)
    sending = [each for each in planned if force or not each.repeated]
    reasons = {} if dry_run or not sending else _send(settings, sending, wait_s)
    if not dry_run:
        _forget_fingerprints(settings, items)
        _forget_inspected(settings, items)
    proof: Mapping[str, Sequence[StoreFinding]] = {}
    if verify:
        with reading(quiet=quiet) as report:
            proof = prove(settings, items, report, now_ms=time.time_ns() // 1_000_000)
    return [
        _outcome(
            each,
            sent=each in sending and not dry_run,
            waited=wait_s > 0,
            reason=reasons.get(each.content_id, ""),
            findings=proof.get(each.content_id, ()),
        )
        for each in planned
    ]


def _forget_fingerprints(settings: "Settings", items: Collection[str]) -> None:
    """Take the items out of this machine's index, where there is one."""
    if not settings.fingerprint_index.exists():
        return
    from earmark.streams.fingerprint_index import FingerprintIndex

    with FingerprintIndex(settings.fingerprint_index) as index:
        index.forget(items)


def _forget_inspected(settings: "Settings", items: Collection[str]) -> None:
    """Take the items out of this machine's index of the inspector, where there is one."""
    from earmark.streams.web.index.place import index_of

    path = index_of(settings)
    if path.exists():
        from earmark.streams.web.index.file import forget_items

        forget_items(path, items)


def _outcome(
    deletion: "Deletion",
    *,
    sent: bool,
    waited: bool,
    reason: str,
    findings: Sequence["StoreFinding"],
) -> Outcome:
    answered = waited and not reason if sent else deletion.repeated
    return Outcome(
        deletion=deletion, sent=sent, answered=answered, reason=reason, findings=findings
    )


def _send(
    settings: "Settings", sending: Collection["Deletion"], wait_s: float
) -> Mapping[str, str]:
    """Why each item is not answered that is not, where that was waited for."""
    from earmark.streams.deletion import Erasure

    with Erasure(settings) as erasure:
        erasure.send(sending)
        return erasure.wait(sending, wait_s) if wait_s else {}


def as_object(outcome: Outcome, *, verified: bool) -> dict[str, object]:
    """One item for programs."""
    event = outcome.deletion.event
    found: dict[str, object] = {
        "content_id": event.content_id,
        "sent": outcome.sent,
        "answered": outcome.answered,
        "event_id": event.event_id if outcome.sent else None,
        "revision": event.revision if outcome.sent else outcome.deletion.before,
        "reason": outcome.reason or None,
    }
    if verified:
        found["erased"] = _is_erased(outcome)
        found["until"] = _until(outcome.findings)
        found["stores"] = [_finding_object(finding) for finding in outcome.findings]
    return found


def _finding_object(finding: "StoreFinding") -> dict[str, object]:
    return {
        "store": finding.store,
        "state": finding.state,
        "until": finding.until_ms,
        "reason": finding.reason or None,
        "records": [
            {
                "place": f"{it.partition}-{it.offset}",
                "arrived": it.arrived_ms,
                "until": it.until_ms,
            }
            for it in finding.remnants
        ],
    }


def _show(outcome: Outcome, *, dry_run: bool, verified: bool) -> None:
    name = printable(outcome.deletion.content_id)
    click.echo(f"{name}: {_deed(outcome, dry_run=dry_run)}")
    if not verified:
        return
    Console(highlight=False).print(findings_table(outcome.findings))
    click.echo(f"{name}: {_conclusion(outcome)}")


def findings_table(findings: Sequence["StoreFinding"]) -> Group:
    """A line for each store that holds something, with where or why; then the names of the others.

    No name is broken, so that it can be searched for.
    """
    gone = [printable(it.store) for it in findings if it.state == "GONE"]
    left = [(_cells(it), _places(it)) for it in findings if it.state != "GONE"]
    columns = [
        Column(name, no_wrap=True) for name in ("store", "state", "records", "gone by (UTC)")
    ]
    table = last_below(columns, Column(), left, longest=STORE_LETTERS)
    said = f"GONE from {quantity(len(gone), 'store')}:"
    names = Padding(Cell(", ".join(gone)), INDENT, expand=False)
    return Group(*([table] if left else ()), *((said, names) if gone else ()))


def _cells(it: "StoreFinding") -> tuple[str, str, str, str]:
    until = "" if it.until_ms is None else _moment(it.until_ms)
    return printable(it.store), it.state, str(len(it.remnants) or ""), until


def _deed(outcome: Outcome, *, dry_run: bool) -> str:
    deletion = outcome.deletion
    revision = deletion.event.revision
    if not outcome.sent:
        if deletion.repeated:
            return f"erased already, at revision {deletion.before}"
        return f"would be deleted at revision {revision}" if dry_run else "not sent"
    if outcome.answered:
        return f"deleted at revision {revision}"
    return f"deletion sent at revision {revision}" + (f": {outcome.reason}" * bool(outcome.reason))


def _places(finding: "StoreFinding") -> Cell:
    """The reason, or where the records lie; as it is, since ids may look like markup."""
    if finding.reason:
        return Cell(printable(finding.reason))
    places = [f"{it.partition}-{it.offset}" for it in finding.remnants]
    more = f" and {len(places) - PLACES:,} more" if len(places) > PLACES else ""
    return Cell(f"at {', '.join(places[:PLACES])}{more}")


def _conclusion(outcome: Outcome) -> str:
    if not _is_erased(outcome):
        return "NOT erased"
    until = _until(outcome.findings)
    return "erased" if until is None else f"erased; the last of it is gone by {_moment(until)} UTC"


def _is_erased(outcome: Outcome) -> bool:
    """Whether nothing says otherwise."""
    return not outcome.reason and all(
        finding.state != "STILL_THERE" for finding in outcome.findings
    )


def _until(findings: Iterable["StoreFinding"]) -> int | None:
    ends = [finding.until_ms for finding in findings if finding.until_ms is not None]
    return max(ends, default=None)


def _show_stores(*, as_json: bool) -> None:
    from earmark.streams.erasure import STORES

    console = Console(highlight=False)
    for it in STORES:
        if as_json:
            row = {"store": it.name, "topic": it.topic, "holds": it.holds, "reach": it.reach}
            click.echo(json.dumps(row | {"how": it.how, "gone": it.gone}))
        else:
            console.print(Cell(it.name, "bold"), _store_lines(it))


def _store_lines(it: "Store") -> Padding:
    """What it holds and how that goes: four columns of sentences fit no terminal."""
    erasure = it.reach if it.how == NOTHING else f"{it.reach}: {it.how}"
    gone = "" if it.gone == NOTHING else f"\ngone: {it.gone}"
    return Padding(Cell(f"holds {it.holds}\n{erasure}{gone}"), INDENT, expand=False)


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
