"""`earmark chaos`: kills workers and broker amid work, and proves that nothing is lost."""

import json
import logging
import tempfile
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Literal

import click
from rich.console import Console

from earmark.models.error import ServiceError
from earmark.streams.chaos.plan import Options
from earmark.streams.chaos.report import Report
from earmark.streams.chaos.run import Counts, run
from earmark.streams.log import configure_logging
from earmark.streams.progress import Told, reading
from earmark.streams.settings import load_settings

DEFAULT = Options()


@click.command()
@click.option(
    "--events",
    type=click.IntRange(min=1),
    default=DEFAULT.events,
    show_default=True,
    help="Records to send, later revisions of items and broken ones among them.",
)
@click.option(
    "--kills",
    type=click.IntRange(min=0),
    default=DEFAULT.kills,
    show_default=True,
    help="How often a worker gets SIGKILL.",
)
@click.option(
    "--broker-kills",
    type=click.IntRange(min=0),
    default=DEFAULT.broker_kills,
    show_default=True,
    help="How often the broker does.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=DEFAULT.workers,
    show_default=True,
    help="Worker processes.",
)
@click.option(
    "--rebalances",
    type=click.IntRange(min=0),
    default=DEFAULT.rebalances,
    show_default=True,
    help="How often a worker leaves for a while, or another comes.",
)
@click.option(
    "--cuts",
    type=click.IntRange(min=0),
    default=DEFAULT.cuts,
    show_default=True,
    help="How often the network between workers and broker is cut.",
)
@click.option(
    "--cut-s",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT.cut_s,
    show_default=True,
    help="Seconds that each cut lasts.",
)
@click.option(
    "--freezes",
    type=click.IntRange(min=0),
    default=DEFAULT.freezes,
    show_default=True,
    help="How often a worker or, in turn, the broker is stopped for a while.",
)
@click.option(
    "--protocol",
    type=click.Choice(["classic", "consumer"]),
    default=DEFAULT.protocol,
    show_default=True,
    help="The group protocol of the workers.",
)
@click.option(
    "--poison",
    type=click.FloatRange(0, 0.5),
    default=DEFAULT.poison,
    show_default=True,
    help="Share of broken records.",
)
@click.option("--real-models", is_flag=True, help="All signals, not the four that are quick.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=DEFAULT.seed,
    show_default=True,
    help="What is sent and when things happen follow from it.",
)
@click.option(
    "--inputs",
    type=click.IntRange(min=1),
    help="Feed one worker with so many mutated inputs instead; kills nothing.",
)
@click.option(
    "--seeds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="With --inputs: a folder of files to mutate too; may be given again.",
)
@click.option(
    "--only",
    type=click.IntRange(min=0),
    help="With --inputs: this one alone, by its number; it is kept as a file.",
)
@click.option(
    "--items",
    type=click.IntRange(min=1),
    help="Let agents judge so many items instead, and kill them --kills times.",
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON, on the last line.")
def chaos(
    events: int,
    kills: int,
    broker_kills: int,
    workers: int,
    rebalances: int,
    cuts: int,
    cut_s: float,
    freezes: int,
    protocol: Literal["classic", "consumer"],
    poison: float,
    real_models: bool,
    seed: int,
    inputs: int | None,
    seeds: tuple[Path, ...],
    only: int | None,
    items: int | None,
    as_json: bool,
) -> None:
    """Kill workers and broker amid work; prove that nothing is lost or doubled.

    Starts a local stack of its own in a temporary folder, sends events, and at random moments
    kills workers and the broker, freezes them, cuts the network between them and lets workers come
    and go. Then reads everything back as
    committed and compares it with what the pipeline answers in this process. Ends with 0 only
    when every answer came once, in order, and as it should be; else the folder with data and logs
    is kept.

    With --inputs N it feeds a worker with mutated recordings and mutated Avro: bit flips, cuts,
    splices, false lengths and more, of recordings in many formats that it makes itself, of events,
    their frames and schemas, and of the files in --seeds. Its breaker is off, since most are to be
    rejected. Ends with 0 only when each input ended as signals or as a typed rejection with its
    dead letter, no worker died, none was silent for 30 s, and memory stayed bounded. What input I
    is follows from --seed and --seeds; --only I makes it again.

    With --items N it sends profiles, signals and decisions about N items, some of which change or
    are deleted, to two groups of agents: one is killed --kills times amid its work, the other is
    left in peace. Ends with 0 only when both have come to the same verdict on every item, which is
    also the one that the policies come to in this process.
    """
    configure_logging(level=logging.ERROR)
    if inputs is None and (seeds or only is not None):
        raise click.UsageError("--seeds and --only go with --inputs")
    if items is not None:
        from earmark.streams.chaos.judging_run import JudgingOptions
        from earmark.streams.commands.chaos_judging import judge

        if inputs is not None:
            raise click.UsageError("--inputs and --items do not go together")
        judge(JudgingOptions(items=items, kills=kills, seed=seed), as_json=as_json)
        return
    if inputs is not None:
        from earmark.streams.chaos.inputs_run import InputOptions
        from earmark.streams.commands.chaos_inputs import feed

        fed = InputOptions(
            inputs=inputs, seed=seed, seeds=seeds, only=only, real_models=real_models
        )
        feed(fed, as_json=as_json)
        return
    options = Options(
        events=events,
        kills=kills,
        broker_kills=broker_kills,
        workers=workers,
        rebalances=rebalances,
        cuts=cuts,
        cut_s=cut_s,
        freezes=freezes,
        protocol=protocol,
        poison=poison,
        real_models=real_models,
        seed=seed,
    )
    console = Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="earmark-chaos-"))
    try:
        with reading(console=console) as tell:
            report = run(
                options,
                load_settings(),
                folder,
                watch=partial(_tell, tell, options.events),
                say=lambda line: console.print(line, style="dim"),
            )
    except BaseException:
        console.print(f"data and logs are kept in {folder}", soft_wrap=True)
        raise
    _say(report, console, as_json=as_json)
    if not report.exact:
        raise ServiceError(f"{report.headline}; data and logs are kept in {folder}")
    rmtree(folder)


def _say(report: Report, console: Console, *, as_json: bool) -> None:
    for offence in report.offences:
        console.print(str(offence), style="red", soft_wrap=True)
    if as_json:
        click.echo(json.dumps(report.as_object))
        return
    for name, value in report.as_object.items():
        click.echo(f"{name:>17}  {value:,}")


def _tell(tell: Told, total: int, counts: Counts) -> None:
    tell("sent", counts.sent, total, f"broker killed {counts.broker_kills} times")
    workers = f"{counts.kills} workers killed", f"{counts.restarts} restarted"
    tell("answered", counts.answered, total, *workers)
