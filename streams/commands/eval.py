"""`earmark eval`: how right a signal is, on rows whose truth is known."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.streams.settings import load_settings

if TYPE_CHECKING:
    from earmark.streams.evaluation.comparison import Comparison
    from earmark.streams.evaluation.evaluation import Evaluation
    from earmark.streams.evaluation.how import How
    from earmark.streams.evaluation.run import Scored
    from earmark.streams.review.desk import Desk

FOLDER = click.Path(path_type=Path)


@click.command("eval")
@click.argument("signal", required=False)
@click.option(
    "--data",
    multiple=True,
    type=FOLDER,
    help="A manifest.jsonl, or the folder of one; repeatable.",
)
@click.option(
    "--from-review", is_flag=True, help="Rows of what people decided, with the stored answers."
)
@click.option(
    "--constructed", is_flag=True, help="Rows that are made here, for signals of measurable sound."
)
@click.option("--model", help="The card of a model to use in place of the shipped one.")
@click.option("--against", help="The card of a model to compare with, on the same rows.")
@click.option(
    "--slices",
    default="",
    help="Names, separated by commas: language, content_type, duration, length, kind, data, "
    "source, or any label of the rows.",
)
@click.option("--report", type=FOLDER, help="Write an HTML page and the JSON to this folder.")
@click.option("--gate", type=FOLDER, help="Run the figures of this file; 1 if one falls short.")
@click.option(
    "--write-card",
    is_flag=True,
    help="Write the figures to the card of the signal; with --model to that of the model.",
)
@click.option("--limits", help="With --write-card: what the figures do not show, plainly.")
@click.option(
    "--declare-language", is_flag=True, help="Let events declare the language of their row."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default=None)
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default=None)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def eval(
    signal: str | None,
    data: tuple[Path, ...],
    constructed: bool,
    from_review: bool,
    model: str | None,
    against: str | None,
    slices: str,
    report: Path | None,
    gate: Path | None,
    write_card: bool,
    limits: str | None,
    declare_language: bool,
    device: str | None,
    precision: str | None,
    as_json: bool,
) -> None:
    """Measure SIGNAL on labelled rows.

    Rows become content events and go through the same pipeline as the worker's; what it says is
    compared with their labels. Rows without a label that the signal is measured by are counted and
    left out. Figures come with 95 % intervals, by slice where that is asked for.

    With --from-review the rows are items that people decided about (`earmark review`), weighed so
    that figures are about all items, and the answers are those on the signal's topic: nothing is
    scored. How far people agree with each other and with the model is said beside.

    With --constructed, the rows are recordings that are made here: how loud, clipped, silent or
    damaged they are, their tempo, key and copies are known by construction.

    With --gate, every figure of the file is measured; those that fall short are named, and the
    command ends with 1.
    """
    from earmark.streams.evaluation.how import How

    if gate is not None and (signal or data or constructed or model or against):
        raise click.UsageError("--gate names its signals and data itself")
    if from_review and (not signal or any((gate, data, constructed, model, against, write_card))):
        raise click.UsageError("--from-review goes with a SIGNAL, --slices, --report and --json")
    if signal is not None:
        _check(signal)
    if gate is None and not (signal and (data or constructed or from_review)):
        raise click.UsageError("name a SIGNAL and its --data, or a --gate file")
    if limits and not write_card:
        raise click.UsageError("--limits goes with --write-card")
    by = [name.strip() for name in slices.split(",") if name.strip()]
    if from_review and signal is not None:
        _from_review(signal, by, report, as_json=as_json)
        return
    settings = load_settings()
    how = How(
        model=model,
        device=device or settings.worker.device,
        precision=precision or settings.worker.precision,
        declares_language=declare_language,
    )
    if gate is not None or signal is None:
        _gate(gate or Path(), how, as_json=as_json)
        return
    with _made(signal, quiet=as_json) if constructed else nullcontext(()) as made:
        paths = (*data, *made)
        evaluation, comparison, scored = _measure(signal, paths, how, against, by, quiet=as_json)
    if report is not None:
        _write(report, evaluation, comparison)
    if write_card:
        _write_card(evaluation, scored, limits, quiet=as_json)
    _show(evaluation, comparison, as_json=as_json)


def _check(signal: str) -> None:
    """Raises ConfigurationError that names the known ones for a signal that nobody evaluates."""
    from earmark.streams.evaluation.task import tasks_of

    tasks_of(signal)


@contextmanager
def _made(signal: str, *, quiet: bool) -> Iterator[Sequence[Path]]:
    """Where the rows that are made for the signal lie, for as long as they do."""
    from earmark.streams.evaluation.construction.construct import constructed
    from earmark.streams.progress import reading

    with TemporaryDirectory() as folder:
        with reading(quiet=quiet) as progress:
            rows = constructed(signal, Path(folder), progress)
        yield [rows]


def _measure(
    signal: str,
    data: Sequence[Path],
    how: "How",
    against: str | None,
    by: Sequence[str],
    *,
    quiet: bool,
) -> tuple["Evaluation", "Comparison | None", "Scored"]:
    from earmark.streams.evaluation.manifest import datasets
    from earmark.streams.evaluation.slice import check_slices
    from earmark.streams.evaluation.task import tasks_of, used_rows

    settings, tasks = load_settings(), tasks_of(signal)
    sets = datasets(data)
    every = [row for each in sets for row in each.rows]
    rows = used_rows(every, tasks)
    if not rows:
        raise ConfigurationError(f"no row has a label that {signal} is measured by")
    check_slices(rows, by)

    from earmark.streams.evaluation.comparison import compare
    from earmark.streams.evaluation.evaluation import evaluated, measurements
    from earmark.streams.evaluation.run import score_rows
    from earmark.streams.progress import reading

    with reading(quiet=quiet) as progress:
        scored = score_rows(signal, rows, settings, how, progress=progress)
        other = (
            score_rows(signal, rows, settings, replace(how, model=against), progress=progress)
            if against
            else None
        )
    evaluation = evaluated(
        measurements(rows, tasks, scored),
        scored,
        data=[each.name for each in sets],
        rows=rows,
        unused=len(every) - len(rows),
        by=by,
    )
    comparison = compare(rows, tasks, scored, other) if other else None
    return evaluation, comparison, scored


def _from_review(signal: str, by: Sequence[str], report: Path | None, *, as_json: bool) -> None:
    from earmark.streams.evaluation.evaluation import evaluated, measurements
    from earmark.streams.evaluation.review_text import agreement_lines, agreement_table
    from earmark.streams.evaluation.reviewed import DATA, reviewed, weighed
    from earmark.streams.evaluation.slice import check_slices
    from earmark.streams.evaluation.task import tasks_of, used_rows

    settings, tasks = load_settings(), tasks_of(signal)
    with _review_desk(quiet=as_json) as desk:
        found = reviewed(desk, signal, ModelStore(settings.home / "models", offline=True))
    rows = used_rows(found.rows, tasks)
    if not rows:
        raise ConfigurationError(f"no decision says what {signal} is measured by")
    check_slices(rows, by)
    measured = measurements(rows, tasks, found.scored)
    evaluation = evaluated(
        [weighed(each, found.weights) for each in measured],
        found.scored,
        data=[DATA],
        rows=rows,
        unused=len(found.rows) - len(rows),
        by=by,
    )
    if report is not None:
        _write(report, evaluation, None)
    if as_json:
        table = evaluation.as_json() | {"review": agreement_table(found)}
        click.echo(json.dumps(table, ensure_ascii=False))
        return
    _show(evaluation, None, as_json=False)
    for line in agreement_lines(found):
        click.echo(line)


@contextmanager
def _review_desk(*, quiet: bool) -> Iterator["Desk"]:
    """Decisions, and the items that they are about."""
    from earmark.streams.endpoint import endpoint
    from earmark.streams.progress import reading
    from earmark.streams.registry import Registry
    from earmark.streams.review.desk import Desk

    settings = endpoint()
    with (
        Registry(settings.registry) as registry,
        reading(quiet=quiet) as report,
        Desk(settings, registry, report=report) as desk,
    ):
        desk.advance()
        yield desk


def _write(report: Path, evaluation: "Evaluation", comparison: "Comparison | None") -> None:
    from earmark.streams.evaluation.page import evaluation_page

    try:
        report.mkdir(parents=True, exist_ok=True)
        page = evaluation_page(evaluation, comparison)
        (report / f"{evaluation.signal}.html").write_text(page, encoding="utf-8")
        written = json.dumps(_table(evaluation, comparison), indent=1, ensure_ascii=False)
        (report / f"{evaluation.signal}.json").write_text(f"{written}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{report}: {error.strerror or error}") from error


def _write_card(
    evaluation: "Evaluation", scored: "Scored", limits: str | None, *, quiet: bool
) -> None:
    """Into the signal's card what it says as it is published, into a model's what that would."""
    from earmark.models.store import ModelStore
    from earmark.processors.basis import basis_of
    from earmark.processors.loader import load_specs
    from earmark.processors.threshold import shipped_thresholds
    from earmark.streams.evaluation.card_section import write_to_model, write_to_signal

    settings = load_settings()
    store = ModelStore(settings.home / "models", offline=settings.offline)
    spec, signal = scored.spec, evaluation.signal
    basis = basis_of(spec, store.cards(), shipped_thresholds(signal))
    if spec.models == load_specs([signal])[signal].models:
        path = write_to_signal(evaluation, basis, limits=limits)
    else:
        own = store.root / "cards"
        path = write_to_model(spec.models[0], evaluation, basis, own=own, limits=limits)
    if not quiet:
        click.echo(f"wrote {path}", err=True)


def _show(evaluation: "Evaluation", comparison: "Comparison | None", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_table(evaluation, comparison), ensure_ascii=False))
        return
    from rich.console import Console

    from earmark.streams.evaluation.text import print_comparison, print_evaluation

    console = Console()
    print_evaluation(evaluation, console)
    if comparison is not None:
        print_comparison(comparison, console)


def _table(evaluation: "Evaluation", comparison: "Comparison | None") -> dict[str, object]:
    table: dict[str, object] = evaluation.as_json()
    return table | ({"comparison": comparison.as_json()} if comparison else {})


def _gate(file: Path, how: "How", *, as_json: bool) -> None:
    from earmark.streams.evaluation.gate import pass_gates, read_gates
    from earmark.streams.progress import reading

    gates = read_gates(file)
    with reading(quiet=as_json) as progress:
        passages = pass_gates(gates, load_settings(), how, progress=progress)
    for passage in passages:
        if as_json:
            click.echo(json.dumps(passage.as_json(), ensure_ascii=False))
        else:
            click.echo(passage.line, err=not passage.passed)
    if not all(passage.passed for passage in passages):
        sys.exit(1)
