"""`earmark demo`: from nothing to signals on the screen."""

import json
import logging

import click
from rich.console import Console
from rich.live import Live

from earmark.models.error import ServiceError
from earmark.streams.demo import Demo, Report, pull_default_models, stack_for
from earmark.streams.demo_text import demo_line, demo_row, demo_table
from earmark.streams.local.extra import extras_named
from earmark.streams.local.state import running_stack
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading
from earmark.streams.settings import Settings, load_settings
from earmark.streams.subscriber import ReceivedSignal, subscribe


@click.command()
@click.option(
    "--with",
    "extras",
    metavar="NAMES",
    multiple=True,
    help="Also these, by commas: flink, agents, web; repeatable.",
)
@click.option("--once", is_flag=True, help="End when the sample has come back.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON, on the last line.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for signals.")
def demo(extras: tuple[str, ...], once: bool, as_json: bool, timeout: float) -> None:
    """Start a local stack, send sample content, watch the signals arrive.

    Uses the stack of `earmark up` where one runs. Fetches what is missing on the first run. Ends
    with 0 only when every expected signal was read back from Kafka, once.

    With `--with flink` a Flink job keeps the profile of each item, and profiles are shown and
    counted too. With `--with agents` policies judge the items, and verdicts are shown and counted;
    without profiles only their fast rules are looked at. With `--with web` the inspector shows it
    all in a browser; so it does without `--with` where the demo stays on the screen.
    """
    configure_logging(level=logging.ERROR)
    console = Console(stderr=as_json)
    stays = not once and console.is_terminal
    settings, wanted = load_settings(), extras_named(",".join(extras) or ("web" if stays else None))
    with loading() as progress:
        pull_default_models(settings, progress)
    with (
        loading() as progress,
        stack_for(
            settings, progress, lambda line: console.print(line, style="dim"), extras=wanted
        ) as stack,
    ):
        run = Demo(stack, settings.home / "media", extras=wanted)
        console.print(f"Content ids begin with {run.run_id}/, which is left out here.\n")
        report = _watched(run, console, timeout)
        if not as_json:
            console.print(_closing(report))
        if stays and report.exact:
            _keep_watching(console, stack)
    if as_json:
        click.echo(json.dumps(report.summary))
    if not report.exact:
        lacking = ", ".join(report.missing[:3]) or "rejections or dead letters"
        raise ServiceError(f"not everything came back as expected: {lacking}")


def _watched(run: Demo, console: Console, timeout_s: float) -> Report:
    table = demo_table()

    def seen(received: ReceivedSignal, latency_ms: int | None) -> None:
        table.add_row(*demo_row(received, latency_ms, run_id=run.run_id))

    if not console.is_terminal:
        report = run.run(seen, timeout_s=timeout_s)
        console.print(table)
        return report
    with Live(table, console=console, refresh_per_second=8, vertical_overflow="visible"):
        return run.run(seen, timeout_s=timeout_s)


def _closing(report: Report) -> str:
    summary = report.summary
    topics: dict[str, dict[str, int]] = summary["signals"]  # type: ignore[assignment]  # see Tally
    count = sum(sum(outcomes.values()) for outcomes in topics.values())
    latency: dict[str, int | None] = summary["latency_ms"]  # type: ignore[assignment]  # likewise
    return (
        f"\n{summary['events']} events gave {count} signals on {len(topics)} topics, "
        f"{summary['rejections']} rejections and {summary['dead_letters']} dead letters\n"
        f"in {summary['seconds']} s (latency p50 {latency['p50']} ms, p95 {latency['p95']} ms)"
    )


def _keep_watching(console: Console, settings: Settings) -> None:
    state = running_stack(settings.home)
    if state is not None and "web" in state.extras:
        console.print(f"\nThe inspector: {state.extras['web']}", highlight=True)
    console.print(
        f"\nKafka {settings.kafka.bootstrap_servers}, registry {settings.registry.url}\n"
        "The stack runs until Ctrl-C. `earmark produce FILE...` in another terminal sends content "
        "of yours,\nand its signals appear here."
    )
    try:
        with subscribe("all", settings=settings) as subscription:
            for received in subscription:
                console.print(demo_line(received))
    except KeyboardInterrupt:
        console.print("stopping")
