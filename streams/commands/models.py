"""`earmark models`: list, fetch, verify and add models."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from earmark.models.card import ModelCard
from earmark.models.card_evaluation import CardEvaluation
from earmark.models.error import (
    ConfigurationError,
    ModelError,
    WeightsCorruptError,
    WeightsMissingError,
)
from earmark.models.reading import KINDS
from earmark.models.store import ModelStore
from earmark.streams.fitting import Fitting, detailed_table, plain_table
from earmark.streams.model_folder import Stated, card_for
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings

MEGABYTE = 1_000_000


@click.group()
def models() -> None:
    """List, fetch and verify model weights, and add models of one's own."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per model.")
def list_models(as_json: bool) -> None:
    """Show every known model, and whether it is here, whole and right."""
    store = _store()
    rows = [_row(store, card) for _, card in sorted(store.cards().items())]
    if as_json:
        _print_json(rows)
        return
    console = Console()
    console.print(models_table(rows))
    console.print(
        "* default set. unpinned: the hash of the first pull is kept and holds from then."
    )


def models_table(rows: Sequence[Mapping[str, object]]) -> Fitting:
    """A line for each model; where it is narrow, what it is stands below its name."""
    names = ("model", "version", "MB", "state", "task", "licence")
    columns = [Column(it, justify="right" if it == "MB" else "left", no_wrap=True) for it in names]
    listed = [(_state_cells(row), _card_cells(row)) for row in rows]
    return Fitting(
        plain_table(columns, [(*state, *card) for state, card in listed]),
        detailed_table(columns[:4], [(state, "; ".join(card)) for state, card in listed]),
    )


def _state_cells(row: Mapping[str, object]) -> tuple[str, str, str, str]:
    name = f"{row['name']} *" if row["default"] else str(row["name"])
    state = str(row["state"]) if row["pinned"] else f"{row['state']}, unpinned"
    return name, str(row["version"]), _megabytes(row["size_bytes"]), state


def _card_cells(row: Mapping[str, object]) -> tuple[str, str]:
    return str(row["task"]).partition(":")[0], str(row["licence"])


@models.command()
@click.argument("names", nargs=-1)
@click.option("--default", "default", is_flag=True, help="The default set, beside NAMES.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per model.")
def pull(names: tuple[str, ...], default: bool, as_json: bool) -> None:
    """Fetch models, by default those that the built-in signals need.

    What is here already is verified and not fetched again.
    """
    store = _store()
    rows = []
    for card in _chosen(store, names, default=default or not names):
        with loading(quiet=as_json) as progress:
            path = store.pull(card.name, progress)
        rows.append({"name": card.name, "licence": card.licence, "path": str(path)})
        if not as_json:
            click.echo(f"{card.name}  {card.licence}  {path}")
    if as_json:
        _print_json(rows)


@models.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per model.")
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Hash every file of NAMES, by default of the default set and of all that is here.

    Ends with 1 if one of them is missing or has changed.
    """
    store = _store()
    cards = [store.card(name) for name in names] or list(store.cards().values())
    rows = [_row(store, card) for card in cards]
    if not names:
        rows = [row for row in rows if row["default"] or row["state"] != "missing"]
    if as_json:
        _print_json(rows)
    else:
        for row in rows:
            click.echo(f"{row['name']}: {row['state']}")
    wrong = [str(row["name"]) for row in rows if row["state"] != "present"]
    if wrong:
        raise ModelError(f"run `earmark models pull {' '.join(wrong)}`")


@models.command()
@click.argument("place", metavar="FOLDER_OR_REPO_ID")
@click.option("--name", help="Of the card; by default that of the folder or the repository.")
@click.option("--task", "kind", type=click.Choice(KINDS), help="By default what its config says.")
@click.option("--licence", help="As the model's authors state it.")
@click.option("--language", "languages", multiple=True, help="It reads this, BCP-47; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def add(
    place: str,
    name: str | None,
    kind: str | None,
    licence: str | None,
    languages: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a card for a checkpoint of transformers into the store's folder of cards.

    FOLDER holds config.json, model.safetensors and the tokenizer's or feature extractor's files;
    their hashes go into the card. REPO_ID is owner/name at the Hugging Face Hub, with @revision
    where it is not main: nothing is fetched now, and the hashes of the first pull are kept.

    Read the card before you use it: which of the model's labels is which of ours only you can say.
    Pickled weights and configs that name code of their own are refused.
    """
    store = _store()
    stated = Stated(name=name, kind=kind, licence=licence, languages=languages)
    with loading(quiet=as_json) as progress:
        name, text = card_for(place, stated, progress)
    card = store.root / "cards" / f"{name}.toml"
    if name in store.cards():
        raise ConfigurationError(f"there is a card {name!r} already; choose another --name")
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(text, encoding="utf-8")
    if as_json:
        _print_json([{"name": name, "card": str(card)}])
        return
    click.echo(f"{card}\n\nnext: read it, fill in what is open, then: earmark models pull {name}")


@models.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show the card of the model NAME: what it is, and what was measured of it.

    By itself, and as a part of signals that are published: those figures stand in their cards.
    """
    from earmark.streams.catalogue import published_with

    card = _store().card(name)
    published = published_with(card)
    if as_json:
        click.echo(json.dumps(asdict(card) | {"published": [asdict(it) for it in published]}))
        return
    console = Console(highlight=False)
    for word in ("name", "version", "task", "licence", "paper", "training_data", "note"):
        if said := getattr(card, word):
            console.print(Text(f"{word.replace('_', ' ')}: {said}"))
    if card.unmeasured:
        console.print(Text(f"not measured: {card.unmeasured}"))
    for measured in card.evaluation:
        _print_measured(measured, f"{measured.signal} on {measured.data}", console)
    for measured in published:
        _print_measured(measured, f"{measured.signal}, as published, on {measured.data}", console)


@models.command()
@click.argument("name")
@click.argument("file", required=False)
def path(name: str, file: str | None) -> None:
    """Print where the verified FILE of the model NAME lies, by default its weights."""
    click.echo(_store().path(name, file))


def _print_measured(measured: CardEvaluation, what: str, console: Console) -> None:
    console.print()
    console.print(Text(f"{what}, {measured.n:,} rows"))
    console.print(_figures(measured))
    console.print(Text(measured.limits))


def _figures(measured: CardEvaluation) -> Table:
    table = Table("figure", "value", "95 %", box=None, pad_edge=False)
    for name, it in measured.metrics.items():
        is_known = it.low is not None and it.high is not None
        table.add_row(name, f"{it.value:g}", f"{it.low:g} to {it.high:g}" if is_known else "-")
    return table


def _store() -> ModelStore:
    settings = load_settings()
    return ModelStore(settings.home / "models", offline=settings.offline)


def _chosen(store: ModelStore, names: Iterable[str], *, default: bool) -> Iterator[ModelCard]:
    named = {name: store.card(name) for name in names}
    if default:
        named |= {name: card for name, card in store.cards().items() if card.default}
    yield from named.values()


def _row(store: ModelStore, card: ModelCard) -> dict[str, object]:
    sizes = [file.size_bytes for file in card.files]
    return {
        "name": card.name,
        "version": card.version,
        "task": card.task,
        "licence": card.licence,
        "languages": list(card.languages),
        "size_bytes": None if None in sizes else sum(size or 0 for size in sizes),
        "sha256": card.sha256,
        "pinned": card.pinned,
        "default": card.default,
        "state": _state(store, card.name),
    }


def _state(store: ModelStore, name: str) -> str:
    try:
        store.verify(name)
    except WeightsMissingError:
        return "missing"
    except WeightsCorruptError:
        return "damaged"
    return "present"


def _megabytes(size_bytes: object) -> str:
    return f"{size_bytes / MEGABYTE:.1f}" if isinstance(size_bytes, int) else "?"


def _print_json(rows: Iterable[object]) -> None:
    for row in rows:
        click.echo(json.dumps(row))
