"""An evaluation as one self-contained HTML page."""

from collections.abc import Iterator, Sequence

from earmark.streams.evaluation.calibration import Calibration, Refit
from earmark.streams.evaluation.comparison import Comparison, TaskComparison
from earmark.streams.evaluation.evaluation import Evaluation, TaskResult
from earmark.streams.evaluation.slice import Slice
from earmark.streams.evaluation.text import (
    NOTHING,
    calibration_line,
    cost_line,
    lede,
    number,
    sentences,
    span,
)
from earmark.streams.report.page import (
    Column,
    Html,
    element,
    figure,
    figures,
    joined,
    link,
    page,
    section,
    table,
    terms,
)
from earmark.streams.report.plot import interval_bars, reliability

DRAWN_SLICES = 20

_MEANINGS = (
    ("95 %", "The bootstrap interval over the rows, or over their sources where there are enough."),
    ("coverage", "The share of cases that were answered; figures are of the answered."),
    ("of all", "The same figure with what was not answered counted as wrong."),
    ("worse", "The loss is higher than that of the rest: permutation test, Holm's correction."),
    ("calibration error", "The mean distance of a probability from how often it came true."),
    ("chance", "What the error would be at the 95th percentile were the probability perfect."),
)


def evaluation_page(evaluation: Evaluation, comparison: Comparison | None = None) -> str:
    """The page; the same evaluation gives the same bytes."""
    return page(
        f"Evaluation of {evaluation.signal}",
        element("h1", f"Evaluation of {evaluation.signal}"),
        element("p", _sentence(lede(evaluation))),
        table(_SUMMARY, (_summary_row(task) for task in evaluation.tasks)),
        *(_compared(comparison, task) for task in (comparison.tasks if comparison else ())),
        *(_section(evaluation.signal, task) for task in evaluation.tasks),
        element("footer", element("p", cost_line(evaluation)), terms(_MEANINGS)),
    )


_SUMMARY = (
    Column(heading="question"),
    Column(heading="cases", is_number=True),
    Column(heading="answered", is_number=True),
    Column(heading="main figure"),
    Column(heading="value", is_number=True),
    Column(heading="95 %", is_number=True),
    Column(heading="worse slices", is_number=True),
)


def _summary_row(task: TaskResult) -> Sequence[object]:
    metric = task.metrics[task.headline]
    return (
        link(task.name, task.name),
        f"{task.n:,}",
        f"{task.answered:,}",
        task.headline,
        number(metric.value),
        span(metric),
        f"{sum(it.worse for it in task.slices):,}" if task.slices else NOTHING,
    )


def _section(signal: str, task: TaskResult) -> Html:
    return section(
        task.name,
        *(element("p", line) for line in sentences(task)),
        *_metrics(signal, task),
        *_slices(signal, task),
        *_calibration(signal, task),
        *_worst(task),
        anchor=task.name,
    )


def _metrics(signal: str, task: TaskResult) -> Iterator[Html]:
    columns = (
        Column(heading="figure"),
        Column(heading="value", is_number=True),
        Column(heading="95 %", is_number=True),
    )
    rows = ((name, number(it.value), span(it)) for name, it in task.metrics.items())
    yield element("h3", "Figures")
    yield table(columns, rows)
    shares = {
        name: it for name, it in task.metrics.items() if it.low is not None and 0 <= it.value <= 1
    }
    if shares:
        yield figures(
            figure(
                "Figures between 0 and 1, with their intervals",
                interval_bars(
                    list(shares),
                    [(it.value, it.low, it.high) for it in shares.values()],
                    name=f"{signal}, {task.name}: figures",
                ),
            )
        )


_SLICES = (
    Column(heading="slice"),
    Column(heading="n", is_number=True),
    Column(heading="answered", is_number=True),
    Column(heading="main figure", is_number=True),
    Column(heading="loss", is_number=True),
    Column(heading="rest", is_number=True),
    Column(heading="p", is_number=True),
    Column(heading="verdict"),
)


def _slices(signal: str, task: TaskResult) -> Iterator[Html]:
    if not task.slices:
        return
    yield element("h3", "Slices")
    drawn = sorted(
        (it for it in task.slices if it.p is not None), key=lambda it: it.rest_loss - it.loss
    )[:DRAWN_SLICES]
    if drawn:
        bars = interval_bars(
            [f"{it.by} {it.value}" for it in drawn],
            [(it.loss, None, None) for it in drawn],
            marked=[it.worse for it in drawn],
            name=f"{signal}, {task.name}: slices",
        )
        yield figures(figure(f"{task.loss}, by slice; the worse ones are marked", bars))
    yield table(_SLICES, (_slice_row(it) for it in task.slices))


def _slice_row(it: Slice) -> Sequence[object]:
    return (
        joined((element("span", f"{it.by} ", class_="quiet"), it.value)),
        f"{it.n:,}",
        f"{it.answered:,}",
        number(it.headline),
        number(it.loss),
        number(it.rest_loss),
        "too few" if it.p is None else f"{it.p:.2g}",
        element("span", "worse", class_="after") if it.worse else "",
    )


def _calibration(signal: str, task: TaskResult) -> Iterator[Html]:
    found = task.calibration
    if found is None:
        return
    yield element("h3", "Calibration")
    yield element("p", calibration_line(found))
    drawn: list[tuple[str, Calibration | Refit]] = [("as published, all cases", found)]
    drawn += [(_refitted(it), it) for it in found.refits]
    yield figures(*(_reliability(signal, task, caption, it) for caption, it in drawn))


def _refitted(it: Refit) -> str:
    if it.method == "NONE":
        return "as published, held out"
    return f"after {it.method.lower()}, held out"


def _reliability(signal: str, task: TaskResult, caption: str, it: Calibration | Refit) -> Html:
    drawing = reliability(
        [(each.probability, each.share, each.count) for each in it.bins],
        name=f"{signal}, {task.name}: reliability {caption}",
    )
    return figure(f"{caption}: error {it.error:.3f}", drawing)


def _worst(task: TaskResult) -> Iterator[Html]:
    if not task.worst:
        return
    columns = (
        Column(heading="item"),
        Column(heading="loss", is_number=True),
        Column(heading="truth"),
        Column(heading="answer"),
        Column(heading="text"),
    )
    yield element("h3", "Items that went worst")
    yield table(
        columns,
        (
            (
                element("span", it.id, class_="id"),
                number(it.loss),
                it.truth,
                it.answer,
                it.text or "",
            )
            for it in task.worst
        ),
    )


def _compared(comparison: Comparison | None, task: TaskComparison) -> Html:
    if comparison is None:
        return Html("")
    columns = (
        Column(heading="figure"),
        Column(heading=comparison.a, is_number=True),
        Column(heading=comparison.b, is_number=True),
        Column(heading="difference", is_number=True),
        Column(heading="95 %", is_number=True),
    )
    rows = (
        (name, number(it.a), number(it.b), number(it.a - it.b), span(it.interval))
        for name, it in task.metrics.items()
    )
    return section(
        f"{comparison.a} against {comparison.b}: {task.name}",
        element("p", comparison.sentence(task)),
        table(columns, rows),
        anchor=f"against-{task.name}",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
