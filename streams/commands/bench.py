"""`earmark bench`: speed and memory on this machine, each beside a baseline of the same run."""

import json
import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from earmark.models.error import ConfigurationError
from earmark.streams.bench.against import compared
from earmark.streams.bench.against import table as comparison_table
from earmark.streams.bench.catalogue import (
    GROUPS,
    ROWS,
    Entry,
    Measure,
    asked,
    every,
    model_names,
    models,
    spelled_out,
)
from earmark.streams.bench.machine import confine, machine
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.result import Result, measure_all, read
from earmark.streams.bench.row import table
from earmark.streams.commands.bench_corpus import corpus
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading
from earmark.streams.settings import Settings, load_settings, with_worker

WIDTH = 150  # of the table where the output is no terminal
_FILE = click.Path(dir_okay=False, path_type=Path)
_FOUND = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--mix",
        "mixes",
        type=click.Choice([mix.value for mix in Mix]),
        multiple=True,
        help="Of rows that are measured by mix: on this one (repeatable; default: all).",
    ),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute."),
    click.option("--only", metavar="ROW", multiple=True, help="This row (repeatable)."),
    click.option("--quick", is_flag=True, help="On an eighth of the work: rough figures, soon."),
    click.option("--threads", type=click.IntRange(min=1), help="Cores to use; default: all."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object in place of the table."),
    click.option("--out", type=_FILE, help="Write the result here, again after each row."),
    click.option(
        "--resume", is_flag=True, help="Measure no row that the file of --out has already."
    ),
    click.option("--against", type=_FOUND, help="Compare with the result in this file."),
    click.option("--report", type=_FOLDER, help="Write a page and its plots to this folder."),
    click.option(
        "--corpus",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Take recordings from here (`earmark bench corpus`) and make none that are there.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for on the command line."""

    mixes: tuple[str, ...]
    device: str | None
    only: tuple[str, ...]
    quick: bool
    threads: int | None
    as_json: bool
    out: Path | None
    resume: bool
    against: Path | None
    report: Path | None
    corpus: Path | None

    @property
    def chosen(self) -> tuple[Mix, ...]:
        """The mixes, all if none was named."""
        return tuple(Mix(mix) for mix in dict.fromkeys(self.mixes)) or tuple(Mix)

    def settings(self) -> Settings:
        """The settings of the run: the device as asked, the corpus open to workers."""
        settings = with_worker(load_settings(), device=self.device)
        if self.corpus is None:
            return settings
        roots = (*settings.media.roots, self.corpus.resolve())
        return settings.model_copy(
            update={"media": settings.media.model_copy(update={"roots": roots})}
        )

    def said(self, settings: Settings) -> dict[str, object]:
        """What of it, and of the settings, figures depend on."""
        own = {"quick": self.quick, "mixes": list(self.chosen), "threads": self.threads}
        return own | {"worker": settings.worker.model_dump(mode="json")}


def _measuring(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_measuring
@click.pass_context
def bench(ctx: click.Context, /, **options: Any) -> None:
    """Measure speed and memory on this machine.

    Each row is measured beside a baseline, in turns, and the median is taken. Other work on the
    machine disturbs it: the load at the start is reported. Starts a local stack of its own, in a
    folder that is removed at the end, and fetches weights that are missing.

    With no command it measures a few rows of each part, `all` measures everything. A row that
    cannot be measured here (no GPU, a baseline that is not installed) is skipped, and the reason is
    told. With --out, what was measured before Ctrl-C is kept.

    Exit code 1: a row failed, or by --against a figure got worse beyond noise.
    """
    if ctx.invoked_subcommand is None:
        _run(ROWS, Order(**options))
        return
    given = {
        name: value
        for name, value in options.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    ctx.default_map = {ctx.invoked_subcommand: given}


def _group(name: str, rows: Mapping[str, Entry], help_line: str) -> None:
    @bench.command(name, help=f"{help_line}\n\nRows: {', '.join(rows)}.")
    @_measuring
    def measure(**options: Any) -> None:
        _run(rows, Order(**options))


_HELP = {
    "decode": "Measure recordings to 16 kHz mono.",
    "features": "Measure what is computed of samples before any model.",
    "batching": "Measure how batches are made of items of many lengths.",
    "codec": "Measure signals to bytes and back.",
    "transcript": "Measure speech to text beside other engines.",
    "transport": "Measure records through Kafka with no models.",
    "worker": "Measure the whole worker through Kafka.",
    "start": "Measure how soon a command answers and a worker is ready.",
    "latency": "Measure how long events wait for their signals.",
    "memory": "Measure what the worker needs beyond its models.",
    "delivery": "Measure what exactly once costs, and how soon work goes on after a kill.",
}
for _name, _rows in GROUPS.items():
    if _rows:
        _group(_name, _rows, _HELP.get(_name, f"Measure {_name}."))


@bench.command("model")
@click.argument("name", metavar="SIGNAL")
@_measuring
def model(name: str, **options: Any) -> None:
    """Measure the model of SIGNAL alone, on inputs that were decoded before; `all`: of each.

    At several sizes of batch, beside one item at a time and, where there is one, the pipeline of
    transformers.
    """
    if not model_names(name):
        raise click.UsageError(f"{name} has no model that takes batches: see `decode`")
    _run(models(name), Order(**options))


@bench.command("all")
@_measuring
def measure_every(**options: Any) -> None:
    """Measure every row of every group, and every model."""
    _run(every(), Order(**options))


@bench.command("compare")
@click.argument("before", type=_FOUND)
@click.argument("after", type=_FOUND)
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of the table.")
def compare(before: Path, after: Path, as_json: bool) -> None:
    """Compare two results and tell what moved beyond noise.

    A figure has moved when the ranges of its repeats do not meet and its medians are 3 % apart or
    more. Results of different machines are compared by their ratios alone.

    Exit code 1: a figure got worse beyond noise.
    """
    _end(_compared(read(before), read(after), as_json=as_json))


bench.add_command(corpus)


def _run(rows: Mapping[str, Entry], order: Order) -> None:
    chosen = _chosen(rows, order)
    if order.resume and order.out is None:
        raise click.UsageError("--resume needs --out")
    before = read(order.against) if order.against else None
    configure_logging(level=logging.ERROR)
    if order.threads is not None:
        confine(order.threads)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
        signal.signal(signal.SIGINT, _interrupt)
    result = _measured(chosen, order)
    _print(result, order)
    if order.report is not None:
        from earmark.streams.bench.report import write_report

        write_report(result, order.report, before=before)
    worse = before is not None and _compared(before, result, as_json=order.as_json, to_stderr=True)
    _end(worse or bool(result.failed))


def _interrupt(*_: object) -> None:
    """As Python does, and say so: a worker and a broker take some seconds to end."""
    click.echo("earmark: ending what was started", err=True)
    raise KeyboardInterrupt


def _chosen(rows: Mapping[str, Entry], order: Order) -> dict[str, Measure]:
    try:
        return asked(rows, order.chosen, order.only)
    except KeyError as name:
        there_are = ", ".join(name for name, _ in spelled_out(rows, order.chosen))
        raise click.UsageError(f"no row {name}; there are {there_are}") from name


def _measured(chosen: Mapping[str, Measure], order: Order) -> Result:
    console = Console(stderr=True)
    settings = order.settings()
    with (
        tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder,
        loading() as progress,
        ExitStack() as closing,
    ):
        plan = Plan(
            settings=settings,
            folder=Path(folder),
            closing=closing,
            quick=order.quick,
            progress=progress,
            report=lambda line: console.print(line, style="dim", markup=False, highlight=False),
            mixes=order.chosen,
            corpus=order.corpus,
        )
        result = Result(machine=machine(plan.device, order.said(settings)).as_object())
        if order.resume and order.out is not None and order.out.is_file():
            _go_on(result, order.out)
        left = {name: row for name, row in chosen.items() if result.row(name) is None}
        for _ in measure_all(left, plan, result):
            if order.out is not None:
                result.write(order.out)
    return result


def _go_on(result: Result, out: Path) -> None:
    """Take the rows over that were measured before, on this machine and by these settings."""
    earlier = read(out)
    if earlier.identity != result.identity:
        raise ConfigurationError(f"--resume: {out} was measured on another machine")
    settings = json.loads(json.dumps(result.machine["settings"]))
    if earlier.machine.get("settings") != settings:
        raise ConfigurationError(f"--resume: {out} was measured by other settings")
    result.rows.extend(earlier.rows)


def _print(result: Result, order: Order) -> None:
    if order.as_json:
        click.echo(json.dumps(result.as_object()))
        return
    out = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    out.print(table(result.rows))
    for word, reasons in (("skipped", result.skipped), ("failed", result.failed)):
        for name, reason in reasons.items():
            out.print(f"{name} {word}: {reason}", markup=False, highlight=False)
    out.print(f"\n{result.here}", style="dim", markup=False)


def _compared(before: Result, after: Result, *, as_json: bool, to_stderr: bool = False) -> bool:
    """Print what moved; whether anything got worse."""
    comparison = compared(before, after)
    if as_json and not to_stderr:
        click.echo(json.dumps(comparison.as_object()))
        return comparison.is_worse
    # with --json, the standard output is the result's alone
    out = Console(stderr=as_json)
    out.print(comparison_table(comparison))
    for note in comparison.notes:
        out.print(note, style="dim", markup=False, highlight=False)
    return comparison.is_worse


def _end(failed: bool) -> None:
    if failed:
        raise SystemExit(1)
