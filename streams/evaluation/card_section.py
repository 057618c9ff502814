"""The part of a card that says what was measured, written by the evaluation."""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from earmark.models.card import read_card
from earmark.models.card_evaluation import CardEvaluation
from earmark.models.error import ConfigurationError
from earmark.processors.basis import Basis
from earmark.processors.signal_card import BROUGHT, card_file, read_signal_card
from earmark.streams.evaluation.evaluation import Evaluation

PLACES = 4
_BLOCK = re.compile(r"^\[\[evaluation\]\]\n.*?(?=^\[\[|\Z)", re.MULTILINE | re.DOTALL)


def section(
    evaluation: Evaluation, *, limits: str | None = None, basis: Basis | None = None
) -> str:
    """The TOML of one `[[evaluation]]` table.

    `limits` stands for what the tasks say of theirs; without a basis nothing is said of it, as of
    heads that were held out.
    """
    lines = [
        "[[evaluation]]",
        f"signal = {_toml(evaluation.signal)}",
        f"data = {_toml(_data(evaluation))}",
        f"n = {evaluation.n}",
        *(_basis(basis) if basis else ()),
        f"limits = {_toml(limits or _limits(evaluation))}",
        "[evaluation.metrics]",
        *_metrics(evaluation),
    ]
    return "\n".join(lines) + "\n"


def write_to_model(
    card: str, evaluation: Evaluation, basis: Basis, *, own: Path, limits: str | None = None
) -> Path:
    """Put the section into the card of a model, in place of an earlier one on the same data.

    The card is one of the folder `own`, or a shipped one. What the earlier section said of limits
    stays where none are given. Raises ConfigurationError for a card of another package, or one
    that cannot be written.
    """
    shipped = Path(str(files("earmark") / "models" / "cards"))
    places = [folder / f"{card}.toml" for folder in (own, shipped)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ConfigurationError(f"the card {card} is another package's, and not written to")

    def read(text: str) -> Sequence[CardEvaluation]:
        return read_card(text, where=path.name).evaluation

    return _write(path, evaluation, basis, limits, read)


def write_to_signal(evaluation: Evaluation, basis: Basis, *, limits: str | None = None) -> Path:
    """Likewise, into the card of the signal; ConfigurationError where there is none."""
    file = card_file(evaluation.signal)
    if file is None:
        place = f"{BROUGHT}/{evaluation.signal}.toml"
        raise ConfigurationError(f"{evaluation.signal} has no card: write {place} in its package")
    path = Path(str(file))

    def read(text: str) -> Sequence[CardEvaluation]:
        return read_signal_card(text, signal=evaluation.signal, where=path.name).evaluation

    return _write(path, evaluation, basis, limits, read)


def _write(
    path: Path,
    evaluation: Evaluation,
    basis: Basis,
    limits: str | None,
    read: Callable[[str], Sequence[CardEvaluation]],
) -> Path:
    """What cannot be read back is not written."""
    text = path.read_text(encoding="utf-8")
    earlier = [it.limits for it in read(text) if _is_same(it.signal, it.data, evaluation)]
    said = limits or next(iter(earlier), None)
    changed = with_section(text, section(evaluation, limits=said, basis=basis))
    read(changed)
    try:
        path.write_text(changed, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    return path


def with_section(text: str, written: str) -> str:
    """The card's text with the section in place of one on the same signal and data, or behind."""
    head = written.split("\nn = ", maxsplit=1)[0]
    for block in _BLOCK.finditer(text):
        if block[0].startswith(head + "\n"):
            rest = text[block.end() :]
            return text[: block.start()] + written + ("\n" if rest else "") + rest
    return text.rstrip("\n") + "\n\n" + written


def _is_same(signal: str, data: str, evaluation: Evaluation) -> bool:
    return (signal, data) == (evaluation.signal, _data(evaluation))


def _basis(basis: Basis) -> Iterator[str]:
    yield f"models = [{', '.join(map(_toml, basis.models))}]"
    yield f"thresholds = {_toml(basis.thresholds)}"
    yield f"config = {_toml(basis.config)}"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _data(evaluation: Evaluation) -> str:
    return ", ".join(evaluation.data)


def _metrics(evaluation: Evaluation) -> Iterator[str]:
    for name, metric in evaluation.metrics.items():
        if math.isfinite(metric.value):
            key = name if name.isidentifier() else json.dumps(name)
            numbers = {"value": metric.value, "low": metric.low, "high": metric.high}
            stated = ", ".join(
                f"{word} = {round(it, PLACES)}" for word, it in numbers.items() if it is not None
            )
            yield f"{key} = {{ {stated} }}"


def _limits(evaluation: Evaluation) -> str:
    """What the tasks say, and where it was found to be worse."""
    said = [task.limits for task in evaluation.tasks if task.limits]
    worse = [f"{it.by} {it.value}" for task in evaluation.tasks for it in task.slices if it.worse]
    if worse:
        said.append(f"Worse than elsewhere: {', '.join(worse)}.")
    return " ".join(said) or "Holds for these rows; other material may differ."
