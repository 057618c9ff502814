"""An evaluation on the screen: a table of figures, then what is worth knowing beside them."""

import math
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text as Cell

from earmark.streams.evaluation.calibration import Calibration
from earmark.streams.evaluation.comparison import Comparison
from earmark.streams.evaluation.evaluation import Evaluation, Metric, TaskResult
from earmark.streams.evaluation.slice import Slice
from earmark.streams.report.statistic import Interval

NOTHING = "-"
SHOWN = 3  # of the worst items
SHOWN_SLICES = 12  # by each name; all of them stand in the JSON and on the page


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Tables and sentences."""
    console.print(f"[bold]{evaluation.signal}[/] {lede(evaluation)}", highlight=False)
    for task in evaluation.tasks:
        console.print()
        console.print(_metrics(task))
        for line in sentences(task):
            console.print(Cell(line))
        if task.slices:
            console.print(_slices(task))
        for item in task.worst[:SHOWN]:
            console.print(Cell(f"  {item.id}: {item.truth} -> {item.answer}"))
    console.print(Cell(cost_line(evaluation)))


def print_comparison(comparison: Comparison, console: Console) -> None:
    """One table a task, and the verdict."""
    for task in comparison.tasks:
        table = Table(
            task.name, comparison.a, comparison.b, "difference", "95 %", box=None, pad_edge=False
        )
        for name, it in task.metrics.items():
            table.add_row(name, number(it.a), number(it.b), number(it.a - it.b), span(it.interval))
        console.print()
        console.print(table)
        console.print(Cell(comparison.sentence(task)))
        if task.only_a or task.only_b:
            only = f"{task.only_a:,} only by {comparison.a}, {task.only_b:,} only by {comparison.b}"
            console.print(Cell(f"Answered {only}."))


def lede(evaluation: Evaluation) -> str:
    """What was measured by what, in one sentence."""
    model = f"{evaluation.model} {evaluation.version}".strip()
    line = f"by {model} on {evaluation.n:,} rows of {', '.join(evaluation.data)}"
    if evaluation.unused:
        line += f"; {evaluation.unused:,} rows have no label that it is measured by"
    if evaluation.rejected:
        counts = ", ".join(f"{count:,} {name}" for name, count in evaluation.rejected.items())
        line += f"; rejected, wholly or in a part: {counts}"
    return f"{line}."


def sentences(task: TaskResult) -> Iterator[str]:
    """What the figures of a task need to be read rightly."""
    shares = ", ".join(f"{count / task.n:.1%} {name}" for name, count in task.outcomes.items())
    why = ", ".join(f"{count:,} {reason}" for reason, count in list(task.reasons.items())[:4])
    yield f"{task.n:,} cases: {shares}{f' ({why})' if why else ''}."
    yield f"Intervals resample {task.drawn}."
    worse = [it for it in task.slices if it.worse]
    if worse:
        names = ", ".join(f"{it.by} {it.value}" for it in worse)
        yield f"Worse than the rest, beyond chance: {names}."
    if task.calibration is not None:
        yield calibration_line(task.calibration)
    if task.limits:
        yield task.limits


def calibration_line(it: Calibration) -> str:
    """How far the probability is from what it says, and what a refit would make of it."""
    line = f"Calibration error {it.error:.3f} over {it.n:,}; up to {it.if_perfect:.3f} is chance."
    for refit in it.refits:
        if refit.method == "NONE":
            line += f" On cases held out {refit.error:.3f}"
        elif refit.temperature is not None:
            line += f", after temperature {refit.temperature:.2f} {refit.error:.3f}"
        else:
            line += f", after {refit.method.lower()} {refit.error:.3f}"
    return f"{line}{'.' if it.refits else ' Too few for a refit.'}"


def cost_line(evaluation: Evaluation) -> str:
    """Seconds an item and a second of audio."""
    cost = evaluation.cost
    if not math.isfinite(cost.seconds_per_item):
        return "Answers as they were stored; nothing was scored."
    line = f"{cost.seconds_per_item * 1000:,.1f} ms an item"
    if cost.seconds_per_audio_second is not None:
        line += f", {cost.seconds_per_audio_second * 1000:,.1f} ms a second of audio"
    return f"{line}, on {cost.device} in {cost.precision}; loaded in {cost.load_seconds:.1f} s."


def number(value: float | None) -> str:
    """Three places, or what there is of them."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004


def span(interval: Interval | Metric | None) -> str:
    """From where to where."""
    if interval is None or interval.low is None or interval.high is None:
        return NOTHING
    return f"{number(interval.low)} to {number(interval.high)}"


def _metrics(task: TaskResult) -> Table:
    table = Table(task.name, "value", "95 %", box=None, pad_edge=False)
    for name, metric in task.metrics.items():
        style = "bold" if name == task.headline else ""
        table.add_row(name, number(metric.value), span(metric), style=style)
    return table


def _slices(task: TaskResult) -> Table:
    table = Table(
        "slice",
        "",
        "n",
        "answered",
        task.headline,
        task.loss,
        "rest",
        "p",
        "",
        box=None,
        pad_edge=False,
    )
    for it in _most_telling(task.slices):
        table.add_row(
            it.by,
            Cell(it.value),
            f"{it.n:,}",
            f"{it.answered:,}",
            number(it.headline),
            number(it.loss),
            number(it.rest_loss),
            "too few" if it.p is None else f"{it.p:.2g}",
            "worse" if it.worse else "",
            style="bold red" if it.worse else "",
        )
    return table


def _most_telling(slices: Sequence[Slice]) -> Iterator[Slice]:
    """Of each name the slices with the most loss; those that were tested come first."""
    for by in dict.fromkeys(it.by for it in slices):
        mine = [it for it in slices if it.by == by]
        mine.sort(key=lambda it: (not it.worse, it.p is None, it.rest_loss - it.loss))
        yield from mine[:SHOWN_SLICES]
