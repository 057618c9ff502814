"""`earmark review`: questions out to people, and their decisions back."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.models.error import ConfigurationError
from earmark.processors.quantity import quantity
from earmark.streams.printable import printable

if TYPE_CHECKING:
    from earmark.processors.review.question import Question
    from earmark.streams.review.desk import Desk
    from earmark.streams.review.ledger import Written

JSON = click.option("--json", "as_json", is_flag=True, help="JSON.")
QUEUE = click.option("--queue", help="The questions of this queue alone.")
SINCE = click.option("--since", metavar="TIME", help="Asked then or later: ISO 8601, or 2h, 7d.")
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def review() -> None:
    """Put questions to people, and take their decisions back.

    Questions lie on review.requests.v1. What people decide is written to review.decisions.v1, one
    record for each item: it overrides verdicts and what signals say, and serves `earmark eval
    SIGNAL --from-review`.
    """


@review.command()
@click.option("--label-studio", is_flag=True, help="The format; there is no other yet.")
@QUEUE
@SINCE
@click.option(
    "--mask/--no-mask", default=None, help="Personal data; as in the settings if not given."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the most urgent.")
@click.option(
    "--out", type=FILE, help="The tasks' file; the configuration goes beside it, as .xml."
)
def export(
    label_studio: bool,
    queue: str | None,
    since: str | None,
    mask: bool | None,
    limit: int | None,
    out: Path | None,
) -> None:
    """Write open questions as tasks for a reviewing system.

    For Label Studio: make a project, paste the XML into its labelling interface, import the JSON.
    Without --out the tasks go to the standard output. Tasks hold the texts of their items: they
    are to be kept like these.
    """
    if not label_studio:
        raise click.UsageError("name the format: --label-studio")
    from itertools import islice

    from earmark.streams.review.desk import open_questions
    from earmark.streams.review.label_studio import labelling_config, task
    from earmark.streams.review.queue import check_queue

    with _desk(quiet=out is None, mask=mask) as desk:
        check_queue(desk, queue)
        found = open_questions(desk, desk.questions(queue=queue, since_ms=_since_ms(since)))
        questions = list(islice(found, limit))
        tasks = [task(question, desk.shown(question.content_id)) for question in questions]
    has_audio = bool(tasks) and all("audio" in each["data"] for each in tasks)
    text = json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    config = out.with_suffix(".xml")
    _write(out, text)
    _write(config, labelling_config(questions, has_audio=has_audio))
    click.echo(
        f"{quantity(len(tasks), 'task')} in {out}, the labelling configuration in {config}",
        err=True,
    )


@review.command("import")
@click.argument("file", type=FILE)
@JSON
def import_answers(file: Path, as_json: bool) -> None:
    """Take the decisions of Label Studio's JSON export.

    What was taken before is known, so a file may be imported again, whole or grown, and after any
    interruption. What cannot be taken is named line by line; then the command ends with 1.
    """
    from earmark.streams.review.intake import take
    from earmark.streams.review.label_studio import answers, read_export

    decisions = list(answers(read_export(_read(file))))
    names = {each[0] for each in decisions if not isinstance(each, str)}
    from earmark.streams.progress import reading

    with _desk(quiet=as_json, items=names) as desk, reading(quiet=as_json) as report:
        written = take(desk, decisions, lambda done: report("import", done, len(decisions)))
    _tell(written, as_json=as_json)


@review.command("list")
@QUEUE
@SINCE
@click.option("--all", "every", is_flag=True, help="Also those that are answered or past.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="So many.")
@JSON
def list_questions(
    queue: str | None, since: str | None, every: bool, limit: int, as_json: bool
) -> None:
    """List open questions, the most urgent first."""
    from earmark.streams.review.desk import State
    from earmark.streams.review.queue import check_queue

    shown = 0
    with _desk(quiet=as_json) as desk:
        check_queue(desk, queue)
        for question in desk.questions(queue=queue, since_ms=_since_ms(since)):
            state = desk.state(question)
            if not every and state != State.OPEN:
                continue
            click.echo(_line(question, state, as_json=as_json))
            shown += 1
            if shown == limit:
                break
    if not shown and not as_json:
        click.echo("no questions", err=True)


@review.command()
@click.argument("name", metavar="REQUEST_ID|CONTENT_ID")
@JSON
def show(name: str, as_json: bool) -> None:
    """Show a question, or all about an item: its texts, what was asked, what was decided."""
    with _desk(quiet=as_json, items=[name]) as desk:
        found = [each for each in desk.questions() if name in (each.request_id, each.content_id)]
        content_id = found[0].content_id if found else name
        decisions = desk.ledger.of(content_id)
        if not found and not decisions.decisions:
            raise ConfigurationError(f"there is no question and no decision about {name!r}")
        page = {
            "content_id": content_id,
            "texts": dict(desk.shown(content_id).texts),
            "questions": [{**each.record(), "state": desk.state(each)} for each in found],
            "decisions": decisions.record()["decisions"],
            "in_force": [each.decision_id for each in decisions.in_force],
        }
    click.echo(json.dumps(page, ensure_ascii=False, indent=None if as_json else 2))


@review.command()
@click.argument("content_id")
@click.option("--request", "request_id", help="The question that is answered.")
@click.option("--signal", help="Without a question: the signal that is decided about.")
@click.option("--field", help="Its field, as labels or language.")
@click.option("--agree", is_flag=True, help="What signal or verdict says is right.")
@click.option("--value", "values", multiple=True, help="What is right instead; repeatable.")
@click.option("--no-label", is_flag=True, help="No label is right.")
@click.option(
    "--effect", "effects", multiple=True, help="What holds: limit, label=spam; repeatable."
)
@click.option("--nothing", is_flag=True, help="No effect holds.")
@click.option("--withdraw", metavar="DECISION_ID", help="This decision no longer counts.")
@click.option("--annotator", help="Who decides; your user name if not given.")
@click.option("--note", help="A word about it.")
@JSON
def decide(
    content_id: str,
    request_id: str | None,
    signal: str | None,
    field: str | None,
    agree: bool,
    values: tuple[str, ...],
    no_label: bool,
    effects: tuple[str, ...],
    nothing: bool,
    withdraw: str | None,
    annotator: str | None,
    note: str | None,
    as_json: bool,
) -> None:
    """Decide about an item: answer a question, or without one.

    \b
    earmark review decide comment-7 --request 3f0c... --agree
    earmark review decide comment-7 --signal text.safety --field labels --value harassment
    earmark review decide comment-7 --effect limit
    """
    from earmark.streams.review.deciding import Wish, decided
    from earmark.streams.review.intake import take

    if (agree, bool(values) or no_label, bool(effects) or nothing, bool(withdraw)).count(True) != 1:
        raise click.UsageError(
            "say one of --agree, --value, --effect (or none of them), --withdraw"
        )
    wish = Wish(
        content_id=content_id,
        request_id=request_id,
        signal=signal,
        field=field,
        agrees=agree,
        values=values if values or no_label else None,
        effects=effects if effects or nothing else None,
        withdraws=withdraw,
        annotator=annotator or _user(),
        note=note,
    )
    with _desk(quiet=True, items=[content_id]) as desk:
        decision = decided(desk, wish, now_ms=_now_ms())
        _tell(take(desk, [(content_id, decision)]), as_json=as_json)


@review.command()
@JSON
def stats(as_json: bool) -> None:
    """Show open questions, today's budget, and how far people and the model agree."""
    from earmark.streams.review.report import statistics, statistics_lines

    with _desk(quiet=as_json) as desk:
        table = statistics(desk, now_ms=_now_ms())
    if as_json:
        click.echo(json.dumps(table, ensure_ascii=False))
        return
    for line in statistics_lines(table):
        click.echo(line)


@review.command()
@click.option("--host", help="127.0.0.1 if nothing is set.")
@click.option("--port", type=click.IntRange(0, 65_535), help="0 picks a free one.")
def serve(host: str | None, port: int | None) -> None:
    """Serve questions over HTTP and take decisions.

    GET /requests, GET /requests/{id}, POST /decisions. With a token in the settings
    (review.token) callers send it as a bearer token; beyond this machine one is asked for.
    """
    from earmark.streams.endpoint import endpoint
    from earmark.streams.log import configure_logging
    from earmark.streams.review.server import run_server

    configure_logging()
    settings = endpoint()
    own = {"http_host": host, "http_port": port}
    given = {name: value for name, value in own.items() if value is not None}
    run_server(
        settings.model_copy(update={"review": settings.review.model_copy(update=given)}),
        lambda url: click.echo(f"serving on {url}"),
    )


@contextmanager
def _desk(*, quiet: bool, items: Iterable[str] = (), mask: bool | None = None) -> Iterator["Desk"]:
    """A desk with all that is on the topics now."""
    from earmark.streams.endpoint import endpoint
    from earmark.streams.progress import reading
    from earmark.streams.registry import Registry
    from earmark.streams.review.desk import Desk

    settings = endpoint()
    if mask is not None:
        own = settings.review.model_copy(update={"mask": mask})
        settings = settings.model_copy(update={"review": own})
    with (
        Registry(settings.registry) as registry,
        reading(quiet=quiet) as report,
        Desk(settings, registry, items=tuple(items), report=report) as desk,
    ):
        desk.advance()
        yield desk


def _tell(written: "Written", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**_counts(written), "refused": written.refused}))
    else:
        click.echo(f"{quantity(written.added, 'decision')} written, {written.known:,} known")
        for line in written.refused:
            click.echo(f"not taken: {printable(line)}", err=True)
    if written.refused:
        sys.exit(1)


def _counts(written: "Written") -> dict[str, int]:
    return {"added": written.added, "known": written.known}


def _line(question: "Question", state: str, *, as_json: bool) -> str:
    from earmark.streams.review.label_studio import question_text

    if as_json:
        return json.dumps({**question.record(), "state": state}, ensure_ascii=False)
    words = "  ".join(
        (
            question.request_id,
            question.queue,
            question.reason,
            question.content_id,
            question_text(question),
            *([] if state == "OPEN" else [state]),
        )
    )
    return printable(words)


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError) as error:  # as in a container, whose user has no name
        raise click.UsageError("say who decides: --annotator") from error


def _since_ms(since: str | None) -> int | None:
    from earmark.streams.dead_letter import moment_ms

    return None if since is None else moment_ms(since, now=datetime.now(UTC))


def _now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1000)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from error
