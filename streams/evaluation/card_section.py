"""The part of a model's card that says what was measured of it, written by the evaluation."""

import json
import math
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from earmark.models.card import read_card
from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.evaluation import Evaluation

PLACES = 4
_BLOCK = re.compile(r"^\[\[evaluation\]\]\n.*?(?=^\[\[|\Z)", re.MULTILINE | re.DOTALL)


def section(evaluation: Evaluation, *, limits: str | None = None) -> str:
    """The TOML of one `[[evaluation]]` table; `limits` stands for what the tasks say of theirs."""
    lines = [
        "[[evaluation]]",
        f"signal = {json.dumps(evaluation.signal)}",
        f"data = {json.dumps(_data(evaluation))}",
        f"n = {evaluation.n}",
        f"limits = {json.dumps(limits or _limits(evaluation), ensure_ascii=False)}",
        "[evaluation.metrics]",
        *_metrics(evaluation),
    ]
    return "\n".join(lines) + "\n"


def write_section(
    card: str, evaluation: Evaluation, *, own: Path, limits: str | None = None
) -> Path:
    """Put the section into the card, in place of an earlier one on the same data.

    The card is one of the folder `own`, or a shipped one. What the earlier section said of limits
    stays where none are given. Raises ConfigurationError for a card of another package, or one
    that cannot be written.
    """
    shipped = Path(str(files("earmark") / "models" / "cards"))
    places = [folder / f"{card}.toml" for folder in (own, shipped)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ConfigurationError(f"the card {card} is another package's, and not written to")
    text = path.read_text(encoding="utf-8")
    standing = read_card(text, where=path.name).evaluation
    earlier = [it.limits for it in standing if _is_same(it.signal, it.data, evaluation)]
    written = section(evaluation, limits=limits or next(iter(earlier), None))
    changed = with_section(text, written)
    read_card(changed, where=path.name)
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
