"""`earmark score`: the same pipeline as the worker's, on files, here and now."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Column
from rich.text import Text as Cell

from earmark.processors.codec import jsonable, signal_record
from earmark.processors.outcome import Outcome, Rejection, Signal
from earmark.streams.content_files import events_from
from earmark.streams.fitting import INDENT, plain_table
from earmark.streams.local_scoring import score_events
from earmark.streams.model_choice import chosen_models
from earmark.streams.printable import printable
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings
from earmark.streams.summary import headline

NAMELESS = "a record that could not be read"  # in place of an item's id

Told = tuple[str, str, str]  # the signal, or the part that is rejected; the outcome; what it says


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
    if nothing in them could be used: one text or recording that was scored makes it 0, whatever
    else was rejected.
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
    """Item by item, whose id is a line of its own: it may be as long as a file's name."""
    items: dict[str, list[Told]] = {}
    for outcome in outcomes:
        item = outcome.event.content_id if outcome.event else NAMELESS
        items.setdefault(item, []).append(_told(outcome))
    Console().print(items_table(items))
    kinds = {kind for rows in items.values() for _, kind, _ in rows}
    return not kinds <= {"ERROR", "REJECTED"}


def items_table(items: Mapping[str, Sequence[Told]]) -> Group:
    """Each item with its rows below, all in the same columns; what they say folds."""
    widest = max((len(name) for rows in items.values() for name, _, _ in rows), default=0)
    parts: list[RenderableType] = []
    for item, rows in items.items():
        signal, outcome = Column(no_wrap=True, min_width=widest), Column(no_wrap=True, min_width=9)
        table = plain_table((signal, outcome, Column()), rows)
        table.show_header = False
        parts += [Cell(printable(item), "bold", overflow="fold"), Padding(table, INDENT)]
    return Group(*parts)


def _told(outcome: Outcome) -> Told:
    if isinstance(outcome, Rejection):
        says = f"{outcome.error.rejection_class}: {outcome.error.reason}"
        return outcome.error.part, "REJECTED", says
    says = headline(outcome.name, signal_record(outcome))
    return outcome.name, outcome.result.outcome, says


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
