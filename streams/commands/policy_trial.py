"""`earmark policy test`: what policies would have made of the past, beside those in force."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Column

from earmark.models.error import ConfigurationError
from earmark.processors.quantity import quantity
from earmark.streams.fitting import Fitting, detailed_table, plain_table
from earmark.streams.printable import printable
from earmark.streams.settings import load_settings

if TYPE_CHECKING:
    from earmark.processors.policy.policy import Policy
    from earmark.processors.policy.trial import Key, RuleChange
    from earmark.streams.policy.history import History
    from earmark.streams.policy.trial import TrialReport
    from earmark.streams.settings import Settings

PROFILES = "content.profile.v1"
_WRITERS = "`earmark flink profile` writes profiles, on this machine `earmark up --with flink`"


@click.command("test")
@click.argument(
    "paths", nargs=-1, metavar="[FILE|FOLDER]...", type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--against",
    default=PROFILES,
    show_default=True,
    metavar="TOPIC|FILE",
    help="Profiles, or one signal's answers, live or of a replay; or profiles as JSON lines.",
)
@click.option(
    "--from",
    "since",
    metavar="WHEN",
    help="Only what arrived then or later: ISO 8601, or how long ago (2h, 7d).",
)
@click.option("--to", "until", metavar="WHEN", help="Only what arrived before.")
@click.option("--changed", is_flag=True, help="Show only the rules that would hold otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def trial(
    paths: tuple[Path, ...],
    against: str,
    since: str | None,
    until: str | None,
    changed: bool,
    as_json: bool,
) -> None:
    """Try policies on past items and show what would change; nothing is written.

    FILES take the place of the policies in force that have their names; a FOLDER that of all of
    them. Without either, the policies in force are tried. Each item counts once, with the last of
    its profiles; what humans decided counts as it stands now. On the topic of one signal, only
    rules are tried that this signal decides alone.
    """
    from earmark.processors.policy.shelf import policies_in_force

    before = policies_in_force(load_settings().policies)
    after = _tried(before, paths)
    report = _run(before, after, against, since, until, quiet=as_json)
    if as_json:
        click.echo(json.dumps(as_object(report)))
    elif report.tally.items:
        _show(report, changed=changed)
    if not report.tally.items:
        click.echo(_nothing(report, bounded=bool(since or until)), err=True)


def as_object(report: "TrialReport") -> dict[str, object]:
    """What was found, for programs."""
    tally = report.tally
    return {
        "source": report.source,
        "records": report.records,
        "unreadable": report.unreadable,
        "items": tally.items,
        "affected": {"before": tally.affected_before, "after": tally.affected_after},
        "changed": tally.changed,
        "rules": [_rule(key, change) for key, change in sorted(tally.rules.items())],
    }


def _tried(before: "Sequence[Policy]", paths: Sequence[Path]) -> "Sequence[Policy]":
    from earmark.processors.policy.shelf import packaged_files, policy_files, read_policies
    from earmark.streams.policy.folder import with_files

    folders = [path for path in paths if path.is_dir()]
    if len(folders) > 1 or (folders and len(paths) > 1):
        raise click.UsageError("name files, or one folder that takes the place of all policies")
    if folders:
        return read_policies([*policy_files(folders[0]), *packaged_files()])
    return with_files(before, paths) if paths else before


def _run(
    before: "Sequence[Policy]",
    after: "Sequence[Policy]",
    against: str,
    since: str | None,
    until: str | None,
    *,
    quiet: bool,
) -> "TrialReport":
    # imported here: --help needs no Kafka
    from contextlib import closing

    from earmark.streams.endpoint import endpoint
    from earmark.streams.policy.history import file_history
    from earmark.streams.policy.trial import Trial
    from earmark.streams.progress import reading

    with closing(Trial(before, after)) as runner, reading(quiet=quiet) as report:
        if (file := Path(against)).is_file():
            if since or until:
                raise click.UsageError("--from and --to are of topics; a file is read whole")
            return runner.run(file_history(file), report)
        if "/" in against:
            raise ConfigurationError(f"{against}: there is no such file")
        settings = endpoint()
        history = _of_topic(settings, against, since, until)
        runner.take_decisions(settings, report)
        return runner.run(history, report)


def _of_topic(settings: "Settings", topic: str, since: str | None, until: str | None) -> "History":
    from earmark.streams.dead_letter import moment_ms
    from earmark.streams.policy.history import topic_history

    now = datetime.now(UTC)
    return topic_history(
        settings,
        topic,
        since_ms=None if since is None else moment_ms(since, now=now),
        until_ms=None if until is None else moment_ms(until, now=now),
    )


def _rule(key: "Key", change: "RuleChange") -> dict[str, object]:
    policy, rule, effect, value = key
    return {
        "policy": policy,
        "rule": rule,
        "effect": effect,
        "value": value or None,
        "before": change.before,
        "after": change.after,
        "new": {"items": change.new, "examples": change.new_examples},
        "gone": {"items": change.gone, "examples": change.gone_examples},
    }


def _show(report: "TrialReport", *, changed: bool) -> None:
    tally = report.tally
    rules = sorted(tally.rules.items())
    shown = [(key, it) for key, it in rules if it.new or it.gone or not changed]
    Console().print(rule_table(shown))
    items, records = quantity(tally.items, "item"), quantity(report.records, "record")
    have = "has" if tally.affected_before == 1 else "have"
    click.echo(f"{report.source}: {items} in {records}{_left_out(report)}")
    click.echo(
        f"{quantity(tally.affected_before, 'item')} {have} a ruling now, "
        f"{tally.affected_after:,} would; {tally.changed:,} would change"
    )


def rule_table(rules: "Sequence[tuple[Key, RuleChange]]") -> Fitting:
    """A line for each rule; where it is narrow, its effect and examples stand below."""
    numbers = [Column(it, justify="right") for it in ("now", "then", "new", "gone")]
    columns = [Column("policy"), Column("rule"), *numbers]
    rows = [
        ((policy, rule, *_counts(change)), f"{effect} {value}".strip(), _examples(change))
        for (policy, rule, effect, value), change in rules
    ]
    return Fitting(
        plain_table(
            [*columns, Column("effect"), Column("such as")],
            [(*cells, effect, examples) for cells, effect, examples in rows],
        ),
        detailed_table(
            columns,
            [(cells, ": ".join(filter(None, (effect, it)))) for cells, effect, it in rows],
        ),
    )


def _counts(change: "RuleChange") -> Iterator[str]:
    for number in (change.before, change.after, change.new, change.gone):
        yield f"{number:,}"


def _nothing(report: "TrialReport", *, bounded: bool) -> str:
    """Says that no policy was tried on anything, and where profiles come from."""
    span = " of that time" if bounded else ""
    hint = f": {_WRITERS}" if report.source == PROFILES else ""
    return f"there are no items{span} in {report.source}{_left_out(report)}{hint}"


def _left_out(report: "TrialReport") -> str:
    return f", {report.unreadable:,} unreadable left out" if report.unreadable else ""


def _examples(change: "RuleChange") -> str:
    found = [*(f"+{it}" for it in change.new_examples), *(f"-{it}" for it in change.gone_examples)]
    return printable(" ".join(found))
