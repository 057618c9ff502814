"""`earmark score`: the same pipeline as the worker's, on files, here and now."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text as Cell

from earmark.processors.codec import jsonable, signal_record
from earmark.processors.outcome import Outcome, Rejection, Signal
from earmark.streams.content_files import events_from
from earmark.streams.local_scoring import score_events
from earmark.streams.model_choice import chosen_models
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings
from earmark.streams.summary import headline


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--signals", help="Only these, separated by commas; what they need runs too.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="SIGNAL=CARD",
    help="Another model for a signal, like text.safety=unbiased-toxic-roberta; repeatable.",
)
@click.option("--language", help="Declared language of the files, BCP-47.")
@click.option("--ignore-unknown", is_flag=True, help="Pass over fields that events do not have.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default=None)
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default=None)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per outcome.")
def score(
    files: tuple[Path, ...],
    signals: str | None,
    models: tuple[str, ...],
    language: str | None,
    ignore_unknown: bool,
    device: str | None,
    precision: str | None,
    as_json: bool,
) -> None:
    """Score FILES without Kafka.

    FILES are audio files, text files, and .jsonl or .parquet files of content events. Ends with 1
    if nothing in them could be used.
    """
    settings = load_settings()
    events = list(events_from(files, language=language, ignore_unknown=ignore_unknown))
    names = [name.strip() for name in signals.split(",")] if signals else None
    with loading(quiet=as_json) as progress:
        outcomes = score_events(
            events,
            settings,
            signals=names,
            models=chosen_models(models),
            device=device or settings.worker.device,
            precision=precision or settings.worker.precision,
            progress=progress,
        )
    shown = _print_json(outcomes) if as_json else _print_table(outcomes)
    if not shown:
        sys.exit(1)


def _print_json(outcomes: Iterable[Outcome]) -> bool:
    any_signal = False
    for outcome in outcomes:
        click.echo(json.dumps(as_object(outcome), ensure_ascii=False))
        any_signal |= isinstance(outcome, Signal) and outcome.result.outcome != "ERROR"
    return any_signal


def _print_table(outcomes: Iterable[Outcome]) -> bool:
    table = Table("item", "signal", "outcome", "says", box=None, pad_edge=False)
    any_signal = False
    for item, name, outcome, says in map(_row, outcomes):
        table.add_row(Cell(item), name, outcome, Cell(says))
        any_signal |= outcome not in {"ERROR", "REJECTED"}
    Console().print(table)
    return any_signal


def _row(outcome: Outcome) -> tuple[str, str, str, str]:
    if isinstance(outcome, Rejection):
        item = outcome.event.content_id if outcome.event else ""
        says = f"{outcome.error.rejection_class}: {outcome.error.reason}"
        return item, outcome.error.part, "REJECTED", says
    says = headline(outcome.name, signal_record(outcome))
    return outcome.event.content_id, outcome.name, outcome.result.outcome, says


def as_object(outcome: Outcome) -> Mapping[str, object]:
    """One outcome as a JSON object; `signal` is null for a rejection."""
    if isinstance(outcome, Signal):
        record: dict[str, object] = jsonable(signal_record(outcome))
        head = {"content_id": record["content_id"], "signal": outcome.name}
        return head | {"outcome": record["outcome"], "reason": record["reason"]} | record
    return {
        "content_id": outcome.event.content_id if outcome.event else None,
        "signal": None,
        "outcome": "REJECTED",
        "reason": outcome.error.reason,
        "rejection_class": outcome.error.rejection_class,
        "part": outcome.error.part,
        "fault": outcome.error.fault,
    }
