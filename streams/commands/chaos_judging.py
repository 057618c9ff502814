"""The part of `earmark chaos` that kills agents."""

import json
import tempfile
from pathlib import Path
from shutil import rmtree

import click
import numpy as np
from rich.console import Console

from earmark.models.error import ServiceError
from earmark.streams.chaos.ground import ground
from earmark.streams.chaos.judging_run import JudgingOptions, JudgingReport, prove
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings

NAMED = 20  # items that are unlike; all are counted


def judge(options: JudgingOptions, *, as_json: bool) -> None:
    """Run, print the report; ServiceError unless all verdicts are as they should be."""
    console = Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="earmark-judging-"))
    try:
        report = _run(options, folder, console)
    except BaseException:
        console.print(f"data and logs are kept in {folder}", soft_wrap=True)
        raise
    _say(report, console, as_json=as_json)
    if not report.exact:
        kept = f"data and logs are kept in {folder}"
        raise ServiceError(f"{len(report.unlike)} verdicts are not as they should be; {kept}")
    rmtree(folder)


def _run(options: JudgingOptions, folder: Path, console: Console) -> JudgingReport:
    def say(line: str) -> None:
        console.print(line, style="dim", soft_wrap=True)

    random = np.random.default_rng([options.seed, 3])
    say("starting a broker and a registry")
    with loading() as progress, ground(load_settings(), folder, random, progress=progress) as base:
        return prove(options, base.settings, folder / "logs", say=say)


def _say(report: JudgingReport, console: Console, *, as_json: bool) -> None:
    for item in report.unlike[:NAMED]:
        console.print(item, style="red", soft_wrap=True, markup=False)
    if as_json:
        click.echo(json.dumps(report.as_object))
        return
    for name, value in report.as_object.items():
        click.echo(f"{name:>17}  {value:,}")
