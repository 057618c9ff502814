"""What training is asked for, and what comes of it: weights, a card, reports."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from earmark.models.card import read_card
from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.card_section import section
from earmark.streams.evaluation.evaluation import Evaluation
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.page import evaluation_page

WEIGHTS = "model.safetensors"
_LONGEST = 12  # sources of a kind that a card names; the report counts all


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is trained on. `rows` may all be; `clean` hold no harm; `tests` are measured only.

    `examples` and `epochs` are those of a network, None for the usual ones.
    """

    signal: str
    name: str
    rows: Sequence[Row]
    clean: Sequence[Row] = ()
    tests: Sequence[Row] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    seed: int = 1
    examples: int | None = None
    epochs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What was trained. `save` writes the weights; `evaluations` are by what the page is called.

    `recipe` and `figures` go into the report as they are.
    """

    task: str
    method: str
    labels: tuple[str, ...]
    languages: tuple[str, ...] = ()
    sample_rate_hz: int | None = None
    note: str = ""
    save: Callable[[Path], None]
    evaluations: Mapping[str, Evaluation]
    limits: str
    recipe: Mapping[str, Any]
    figures: Mapping[str, Any]


def write_product(order: Order, product: Product, out: Path) -> Path:
    """Write weights, card, report.json and pages into the folder; the card.

    Raises ConfigurationError where the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        product.save(out / WEIGHTS)
        card = out / f"{order.name}.toml"
        text = card_text(order, product, (out / WEIGHTS).resolve())
        read_card(text, where=card.name)
        card.write_text(text, encoding="utf-8")
        body = json.dumps(_report(order, product), indent=1, ensure_ascii=False)
        (out / "report.json").write_text(f"{body}\n", encoding="utf-8")
        for name, evaluation in product.evaluations.items():
            (out / f"{name}.html").write_text(evaluation_page(evaluation), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{out}: {error.strerror or error}") from error
    return card


def card_text(order: Order, product: Product, weights: Path) -> str:
    """The card in TOML: what it was trained on, by what seed, and what was measured."""
    stated: dict[str, Any] = {
        "name": order.name,
        "version": "1",
        "task": product.task,
        "licence": "see training_data",
        "paper": product.method,
        "training_data": training_data(order),
        "labels": list(product.labels),
        "languages": list(product.languages),
        "sample_rate_hz": product.sample_rate_hz,
        "note": product.note,
    }
    lines = [f"{key} = {_toml(value)}" for key, value in stated.items() if value not in (None, [])]
    lines += [
        "",
        "[[files]]",
        f'name = "{WEIGHTS}"',
        f'sha256 = "{sha256(weights.read_bytes()).hexdigest()}"',
        f"size_bytes = {weights.stat().st_size}",
        f"sources = [{_toml(f'file://{weights}')}]",
    ]
    parts = [section(each, limits=product.limits) for each in product.evaluations.values()]
    return "\n".join(lines) + "\n\n" + "\n".join(parts)


def training_data(order: Order) -> str:
    """What the rows are, by source and licence, and the seed."""
    every = [*order.rows, *order.clean]
    counts = Counter((row.source or "no source", row.licence or "no licence") for row in every)
    named = [
        f"{n} of {source} ({licence})" for (source, licence), n in counts.most_common(_LONGEST)
    ]
    rest = counts.total() - sum(n for _, n in counts.most_common(_LONGEST))
    more = [f"{rest} of {len(counts) - _LONGEST} more sources (see the report)"] if rest else []
    return f"{len(every)} rows: {'; '.join([*named, *more])}. Seed {order.seed}."


def _report(order: Order, product: Product) -> dict[str, Any]:
    every = [*order.rows, *order.clean]
    counts = Counter((row.source, row.licence) for row in every)
    return {
        "signal": order.signal,
        "name": order.name,
        "seed": order.seed,
        "recipe": dict(product.recipe),
        "figures": dict(product.figures),
        "refused_by_licence": dict(order.refused),
        "trained_on": [
            {"source": source, "licence": licence, "rows": n}
            for (source, licence), n in counts.most_common()
        ],
        "evaluations": {name: each.as_json() for name, each in product.evaluations.items()},
    }


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
