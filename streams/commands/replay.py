"""`earmark replay`: past events answered again, beside the live signals."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from earmark.models.error import ConfigurationError
from earmark.streams.commands.replay_diff import diff
from earmark.streams.commands.replay_name import check_name, given_options
from earmark.streams.endpoint import endpoint
from earmark.streams.fitting import plain_table
from earmark.streams.local.state import reading_as_stack
from earmark.streams.log import configure_logging
from earmark.streams.progress import Lines, loading, told_in_lines
from earmark.streams.topic import CONTENT_EVENTS, ITEMS

if TYPE_CHECKING:
    from earmark.streams.replay.manifest import Manifest
    from earmark.streams.replay.start import Asked
    from earmark.streams.settings import Settings

JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
TAKEN_S = 600.0  # longest wait for the live workers to take promotions up


@click.group(invoke_without_command=True)
@click.option("--run", help="The name of the run; one that was interrupted goes on.")
@click.option("--topic", default=CONTENT_EVENTS, show_default=True, help="Where the events are.")
@click.option("--catalogue", is_flag=True, help=f"The latest event of every item ({ITEMS}).")
@click.option(
    "--from",
    "start",
    default="beginning",
    show_default=True,
    metavar="WHEN",
    help="First arrival: ISO 8601, how long ago (2h, 7d), or offsets (0:1200,1:1180).",
)
@click.option("--to", "end", default="end", show_default=True, metavar="WHEN", help="Likewise.")
@click.option("--content-type", "content_types", multiple=True, help="Only these; repeatable.")
@click.option(
    "--content-id-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only the items in this file, one id on each line.",
)
@click.option("--signals", help="Only these, separated by commas.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="SIGNAL=CARD",
    help="Another model for a signal, like transcript=whisper-base; repeatable.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--audio-per-s", type=click.FloatRange(min=0), default=0.0, help="0: no limit.")
@click.option("--tokens-per-s", type=click.FloatRange(min=0), default=0.0, help="0: no limit.")
@click.option(
    "--live-lag",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Wait while the live workers are more events behind.",
)
@click.option("--dry-run", is_flag=True, help="Say what it would take; write nothing.")
@click.option("--cost-per-hour", type=click.FloatRange(min=0), help="Of one worker, for --dry-run.")
@JSON
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    run: str | None,
    workers: int,
    dry_run: bool,
    cost_per_hour: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Answer a range of past events again, into topics of the run.

    The range is frozen into offsets when the run begins. Its answers go to
    `replay.<run>.<topic>`, with the run as their `replay_id`; live signals stay as they are until
    `earmark replay promote`. The workers have a consumer group of their own, run behind all other
    processes of this machine and wait while live work does. An interrupted run goes on where it
    stood when it is called again by its name alone, which begins none; more of its workers may run
    on other machines (`earmark replay work NAME --slot S`). With other models and no --signals, the
    signals that these models change are answered.
    """
    if ctx.invoked_subcommand is not None:
        return
    if run is None:
        raise click.UsageError("name the run: --run NAME (or see `earmark replay --help`)")
    from earmark.streams.replay.manifest import read_runs

    configure_logging()
    settings = _settings()
    known = read_runs(settings.kafka).get(run)
    check_name(run, known, given_options(ctx, options))
    if known is not None:
        known.check_goes_on()
    manifest = known or _planned(settings, run, options)
    if dry_run:
        _say_estimate(settings, manifest, workers, cost_per_hour, as_json=as_json)
    else:
        _run(settings, manifest, is_new=known is None, workers=workers, as_json=as_json)


@replay.command()
@click.argument("name", required=False)
@JSON
def status(name: str | None, as_json: bool) -> None:
    """How far runs are: all of them, or the one called NAME."""
    from earmark.streams.replay.manifest import read_run, read_runs

    settings = _settings()
    runs = [read_run(settings.kafka, name)] if name else list(read_runs(settings.kafka).values())
    rows = [_status(settings, manifest) for manifest in runs]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        _print_rows(rows)


@replay.command()
@click.argument("name")
@click.option("--partial", is_flag=True, help="Also of a run that is not finished.")
@click.option("--wait/--no-wait", default=True, help="Until the live workers have taken them up.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON
def promote(name: str, partial: bool, wait: bool, yes: bool, as_json: bool) -> None:
    """Let the run's answers become the live ones, where no newer answer stands.

    The live workers publish them, each in one transaction with its item's receipt: what was
    answered anew since, and what was erased, stays as it is. Goes on where it stood when it was
    killed, and sends no answer twice.
    """
    from earmark.streams.replay.manifest import State, moved_to, read_run
    from earmark.streams.replay.promote import Promoter, wait_until_taken

    settings = _settings()
    manifest = read_run(settings.kafka, name)
    allowed = {State.FINISHED, State.PROMOTED} | ({State.BEGUN} if partial else set())
    if manifest.state not in allowed:
        raise ConfigurationError(f"replay {name} is {manifest.state}, not finished")
    if not yes and not as_json and sys.stdin.isatty():
        click.confirm(f"Promote the answers of {name} to the live topics?", abort=True)
    with loading(quiet=as_json) as report:
        sent = Promoter(settings, manifest).run(lambda done, of: report("promoting", done, of))
    if manifest.state == State.FINISHED:
        moved_to(settings.kafka, manifest, State.PROMOTED)
    taken = wait and wait_until_taken(settings, manifest, limit_s=TAKEN_S)
    if as_json:
        click.echo(json.dumps({"run": name, "sent": sent, "taken_up": taken}))
    else:
        click.echo(f"{sent} answers sent{'' if not wait else _taken(taken=taken)}")
    if wait and not taken:
        sys.exit(1)


@replay.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def abort(name: str, yes: bool) -> None:
    """End the run and delete its topics, answers included. Its workers end by themselves."""
    from earmark.streams.replay.manifest import State, moved_to, read_run
    from earmark.streams.topic import delete_topics

    settings = _settings()
    manifest = read_run(settings.kafka, name)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete all answers of {name}?", abort=True)
    moved_to(settings.kafka, manifest, State.ABORTED)
    deleted = delete_topics(settings.kafka, manifest.prefix)
    click.echo(f"{name} aborted, {len(deleted)} topics deleted")


@replay.command()
@click.argument("name")
@click.option("--slot", default="0", help="This worker's name in the run, stable across restarts.")
@click.option(
    "--workers", type=click.IntRange(1, 1000), default=1, help="How many share the rates."
)
@click.option(
    "--http-port", type=click.IntRange(0, 65535), default=0, help="Health and metrics; any free."
)
def work(name: str, slot: str, workers: int, http_port: int) -> None:
    """Run one worker of the run called NAME, to its end."""
    from earmark.streams.replay.work import replay_worker

    settings = _settings()
    configure_logging(level=settings.log.level)
    with ExitStack() as undo:
        running = replay_worker(
            settings, name, slot=slot, workers=workers, undo=undo, http_port=http_port
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: running.stop())
        running.run()


replay.add_command(diff)


def _settings() -> "Settings":
    """Those in force; against the local stack, files are read as its worker reads them."""
    return reading_as_stack(endpoint())


def _planned(settings: "Settings", run: str, options: dict[str, Any]) -> "Manifest":
    from earmark.streams.replay.start import planned

    return planned(settings, run, _asked(**options))


def _asked(
    *,
    topic: str,
    catalogue: bool,
    signals: str | None,
    models: tuple[str, ...],
    content_id_file: Path | None,
    **others: Any,
) -> "Asked":
    from earmark.streams.model_choice import chosen_models
    from earmark.streams.replay.start import Asked, ids_from

    return Asked(
        topic=ITEMS if catalogue else topic,
        signals=tuple(signals.split(",")) if signals else (),
        models=chosen_models(models),
        content_ids=None if content_id_file is None else ids_from(content_id_file),
        **others,
    )


def _run(
    settings: "Settings", manifest: "Manifest", *, is_new: bool, workers: int, as_json: bool
) -> None:
    from earmark.streams.replay.conduct import conduct, log_folder
    from earmark.streams.replay.start import begin, check_weights

    check_weights(settings, manifest)
    if is_new:
        begin(settings, manifest)
    if not as_json:
        click.echo(
            f"{manifest.run}: {manifest.records:,} offsets of {manifest.source}; "
            f"logs in {log_folder(settings, manifest.run)}",
            err=True,
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # children are stopped in any case
    with _bar(manifest, quiet=as_json) as watch:
        done = conduct(settings, manifest, workers=workers, watch=watch, say=_warn)
    row = _status(settings, done)
    click.echo(json.dumps(row) if as_json else f"{done.run} is {done.state}")


def _warn(text: str) -> None:
    click.echo(f"earmark: {text}", err=True)


@contextmanager
def _bar(manifest: "Manifest", *, quiet: bool) -> Iterator[Callable[[Any], None]]:
    if told_in_lines(quiet=quiet):
        lines = Lines()
        yield lambda now: lines.report("offsets", now.passed, manifest.records)
        return
    columns = (TextColumn("offsets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(manifest.run, total=manifest.records)
        yield lambda now: progress.update(task, completed=now.passed)


def _status(settings: "Settings", manifest: "Manifest") -> dict[str, object]:
    from earmark.streams.replay.manifest import State
    from earmark.streams.replay.progress import ProgressReader

    row: dict[str, object] = {
        "run": manifest.run,
        "state": str(manifest.state),
        "source": manifest.source,
        "signals": list(manifest.signals),
        "models": dict(manifest.models),
        "created_ms": manifest.created_ms,
        "records": manifest.records,
    }
    if manifest.state == State.ABORTED:
        return row
    reader = ProgressReader(settings.kafka, manifest)
    try:
        now = reader.read()
    finally:
        reader.close()
    return row | {
        "passed": now.passed,
        "partitions": now.partitions,
        "partitions_through": now.partitions_through,
    }


def _print_rows(rows: list[dict[str, object]]) -> None:
    if not rows:
        click.echo("no replays yet")
        return
    names = ("run", "state", "source", "passed", "of")
    columns = (*(Column(name, no_wrap=True) for name in names), Column("models"))
    Console().print(plain_table(columns, map(_row, rows)))


def _row(of: dict[str, object]) -> tuple[str, ...]:
    models = ", ".join(f"{k}={v}" for k, v in dict(of["models"]).items())  # type: ignore[call-overload]  # a dict, see above
    passed = f"{of['passed']:,}" if "passed" in of else "-"
    return str(of["run"]), str(of["state"]), str(of["source"]), passed, f"{of['records']:,}", models


def _say_estimate(
    settings: "Settings",
    manifest: "Manifest",
    workers: int,
    cost_per_hour: float | None,
    *,
    as_json: bool,
) -> None:
    from earmark.streams.replay.estimate import estimate
    from earmark.streams.replay.estimate_text import estimate_lines

    with loading(quiet=as_json) as report:
        found = estimate(
            settings, manifest, workers=workers, cost_per_hour=cost_per_hour, report=report
        )
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        for line in estimate_lines(found, workers):
            click.echo(line)


def _taken(*, taken: bool) -> str:
    return (
        ", taken up by the live workers"
        if taken
        else "; the live workers have not taken all up yet"
    )
