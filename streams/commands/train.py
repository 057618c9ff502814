"""`earmark train`: fits a model to labelled rows, and says what it is worth."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.models.error import ConfigurationError
from earmark.streams.settings import load_settings

if TYPE_CHECKING:
    from earmark.streams.evaluation.manifest import Row
    from earmark.streams.training.product import Order, Product

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("signal")
@click.option(
    "--data",
    multiple=True,
    required=True,
    type=FOLDER,
    help="A manifest.jsonl to train on, or the folder of one; repeatable.",
)
@click.option(
    "--clean", multiple=True, type=FOLDER, help="A manifest whose texts hold no harm; repeatable."
)
@click.option(
    "--test", "tests", multiple=True, type=FOLDER, help="A manifest to measure on; repeatable."
)
@click.option("--out", type=FOLDER, help="The folder to write to; trained/SIGNAL by default.")
@click.option("--name", help="The name of the model and its card.")
@click.option("--examples", type=click.IntRange(min=64), help="audio.scene: windows to learn from.")
@click.option("--epochs", type=click.IntRange(min=1), help="audio.scene: times through them.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same model.")
@click.option(
    "--licence-ok", is_flag=True, help="I may train on every row, whatever its licence says."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def train(
    signal: str,
    data: tuple[Path, ...],
    clean: tuple[Path, ...],
    tests: tuple[Path, ...],
    out: Path | None,
    name: str | None,
    examples: int | None,
    epochs: int | None,
    seed: int,
    licence_ok: bool,
    as_json: bool,
) -> None:
    """Train a model for SIGNAL: text.safety, text.sentiment or audio.scene.

    For text.safety, linear heads are fitted to labelled texts; what they are worth is told from
    rows, and from whole sources, that were held out fold by fold. Labels are `safe`, `category`,
    `scores`, or `harms` (a table of our harms to numbers from 0 to 1). A harm that too few rows
    have, or that is not told on rows held out, gets no head. For text.sentiment, one head is
    fitted to texts labelled `sentiment` (negative, neutral, positive), every source weighing the
    same, and measured likewise. For audio.scene, a small network is fitted to recordings labelled
    `class` (speech, music, noise), and measured on those of --test.

    Rows are trained on if their licence is known to permit it (public domain, CC-BY, CC-BY-SA,
    MIT, BSD, ISC, Apache, synthesised); the others are counted and left out, unless --licence-ok
    is given. Weights, card, report.json and pages are written to the folder.
    """
    from earmark.models.store import ModelStore
    from earmark.streams.training.product import write_product
    from earmark.streams.training.trainer import trainer

    work = trainer(signal)
    order = _order(signal, name, data, clean, tests, licence_ok=licence_ok)
    order = replace(order, seed=seed, examples=examples, epochs=epochs)
    for licence, count in order.refused.items():
        click.echo(f"{count} rows not trained on: {licence}", err=True)
    if not order.rows:
        raise ConfigurationError("no row is left to train on; see --licence-ok")
    settings = load_settings()
    store = ModelStore(settings.home / "models", offline=settings.offline)
    product = work(order, store, lambda line: click.echo(line, err=True))
    card = write_product(order, product, out or Path("trained") / signal)
    _show(order, product, card, as_json=as_json)


def _order(
    signal: str,
    name: str | None,
    data: Sequence[Path],
    clean: Sequence[Path],
    tests: Sequence[Path],
    *,
    licence_ok: bool,
) -> "Order":
    from earmark.streams.training.licence import permitted
    from earmark.streams.training.product import Order

    rows = permitted(_rows(data), every=licence_ok)
    none = permitted(_rows(clean), every=licence_ok)
    refused = {
        licence: rows.refused.get(licence, 0) + none.refused.get(licence, 0)
        for licence in (*rows.refused, *none.refused)
    }
    return Order(
        signal=signal,
        name=name or {"text.safety": "text-harm-own"}.get(signal, f"{signal.split('.')[1]}-own"),
        rows=rows.rows,
        clean=none.rows,
        tests=_rows(tests),
        refused=refused,
    )


def _rows(paths: Sequence[Path]) -> "list[Row]":
    from earmark.streams.evaluation.manifest import datasets

    return [row for dataset in datasets(paths) for row in dataset.rows]


def _show(order: "Order", product: "Product", card: Path, *, as_json: bool) -> None:
    if as_json:
        table = {
            "signal": order.signal,
            "card": str(card),
            "labels": list(product.labels),
            "rows": len(order.rows),
            "refused": dict(order.refused),
            **product.figures,
            "evaluations": {name: it.as_json() for name, it in product.evaluations.items()},
        }
        click.echo(json.dumps(table, ensure_ascii=False))
        return
    from rich.console import Console

    from earmark.streams.evaluation.text import print_evaluation

    console = Console()
    for evaluation in product.evaluations.values():
        print_evaluation(evaluation, console)
    console.print(f"labels: {', '.join(product.labels)}. {product.note}")
    console.print(
        f"wrote {card.parent}. To use it, put {card.name} into the folder models/cards of "
        f"Earmark's home, `earmark models pull {order.name}`, and score with "
        f"`--model {order.signal}={order.name}`",
        soft_wrap=True,
    )
