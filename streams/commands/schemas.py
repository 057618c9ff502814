"""`earmark schemas`: check, compare, release, register and show the Avro schemas."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from earmark.models.error import ConfigurationError, EarmarkError
from earmark.models.plugin import resources
from earmark.processors.release import findings, release
from earmark.processors.schema import Schema, avro_folder, fields_of, newest
from earmark.processors.schema import schemas as shipped
from earmark.processors.schema_change import Comparison, comparison, comparisons, type_words
from earmark.processors.schema_review import Remark, review
from earmark.streams.asyncapi import as_yaml, asyncapi
from earmark.streams.endpoint import endpoint
from earmark.streams.registry import compatibility_level, register_all
from earmark.streams.schema_source import own_folder, released_folder, schemas_named

FOLDER = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder of schemas than the shipped one.",
)


class SchemaCheckError(EarmarkError):
    """Schemas that break a rule; the findings were printed."""


@click.group()
def schemas() -> None:
    """Check, compare, register and show the Avro schemas."""


@schemas.command()
@FOLDER
@click.option(
    "--against",
    metavar="FOLDER|REVISION",
    help="Say what is changed of this folder, or of what the git revision holds.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all findings.")
def check(folder: Path | None, against: str | None, as_json: bool) -> None:
    """Prove offline that what is released is unchanged, compatible and still readable.

    With --against (such as origin/main, before a merge) it also says in words what is new, one
    line each, and what is released is what stands in the ledger there. Ends with 1 where a rule is
    broken.
    """
    if against is not None:
        _check_against(against, folder or own_folder(), as_json=as_json)
        return
    folders = [folder] if folder else [avro_folder(), *resources("avro")]
    found = [finding for each in folders for finding in findings(each)]
    if as_json:
        click.echo(json.dumps({"findings": found}))
    for finding in [] if as_json else found:
        click.echo(finding)
    if found:
        raise SchemaCheckError(f"schemas break {len(found)} rules")
    if not as_json:
        click.echo("schemas are unchanged and compatible, golden records read as they were meant")


@schemas.command()
@click.argument("a")
@click.argument("b")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all differences.")
def diff(a: str, b: str, as_json: bool) -> None:
    """Say in words what B changes of A, and who can read whom.

    A and B are files, folders of schemas, schemas (text.safety: its newest version,
    signals.text.safety.v1@0: its first one), or git revisions, whose avro/ is meant. Ends with 1
    where a change breaks readers.
    """
    first, second = schemas_named(a), schemas_named(b)
    if len(first) == len(second) == 1:
        same = first[0].text == second[0].text
        found = [] if same else [comparison(first[0], second[0])]
    else:
        found = comparisons(first, second)
    if as_json:
        click.echo(json.dumps({"topics": [_as_object(each) for each in found]}, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(_in_words, found)) or "nothing differs")
    if broken := sum(each.breaks for each in found):
        raise SchemaCheckError(f"{broken} of {len(found)} that differ break readers")


@schemas.command("asyncapi")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it to FILE; beside the schemas it refers to them, elsewhere it holds them.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON in place of YAML.")
def describe(out: Path | None, as_json: bool) -> None:
    """Describe all topics and records as AsyncAPI 3.0 with Kafka bindings.

    avro/asyncapi.yaml is made by it; make it again when a schema or a topic is new.
    """
    is_beside = out is not None and out.resolve().parent == own_folder()
    document = asyncapi(embedded=not is_beside)
    text = f"{json.dumps(document, indent=2)}\n" if as_json else as_yaml(document)
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{out}: {error.strerror or error}") from error


@schemas.command("release")
@FOLDER
def release_new(folder: Path | None) -> None:
    """Enter new schema files and their golden records in released.sha256, for ever.

    A new version of `<name>.v1.avsc` is a file `<name>.v1.1.avsc`, its golden record
    `golden/<name>.v1.1.json` in Avro's JSON encoding.
    """
    for path in release(folder or Path(str(avro_folder()))):
        click.echo(path)


@schemas.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per subject.")
def register(as_json: bool) -> None:
    """Make every subject in the registry, with its compatibility, and enter its schema.

    What is there already stays, under its id.
    """
    for topic, schema_id in register_all(endpoint()).items():
        schema = newest(shipped())[topic]
        level = compatibility_level(schema)
        row = {"subject": schema.subject, "id": schema_id, "compatibility": level}
        click.echo(json.dumps(row) if as_json else f"{schema.subject}  {schema_id}  {level}")


@schemas.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The schema itself.")
def show(name: str, as_json: bool) -> None:
    """Show the fields of NAME, e.g. audio.loudness or content.events."""
    schema = _named(name)
    if as_json:
        click.echo(schema.text, nl=False)
        return
    table = Table("field", "type", "what it says", title=schema.topic, box=None)
    for path, field in fields_of(schema.definition):
        table.add_row(path, type_words(field["type"]), field.get("doc", ""))
    Console().print(table)


def _check_against(against: str, folder: Path, *, as_json: bool) -> None:
    with released_folder(against, folder) as released:
        remarks = review(folder, released)
    if as_json:
        click.echo(json.dumps({"remarks": [_remark(each) for each in remarks]}))
    else:
        lines = [f"{'BREAKS' if each.breaks else 'new'}  {each}" for each in remarks]
        click.echo("\n".join(lines) or f"no schema differs from {against}")
    if broken := sum(each.breaks for each in remarks):
        raise SchemaCheckError(f"schemas break {broken} rules against {against}")


def _remark(remark: Remark) -> dict[str, object]:
    return {"path": remark.path, "words": remark.words, "breaks": remark.breaks}


def _in_words(found: Comparison) -> str:
    sides = [schema.path if schema else "nothing" for schema in (found.older, found.newer)]
    lines = [f"{found.topic}: {sides[0]} -> {sides[1]}"]
    lines += [f"  {each.words}{'  BREAKS' if each.breaks else ''}" for each in found.changes]
    if found.older and found.newer:
        lines.append(f"  B reads what A wrote: {_can(found.newer_cannot_read)}")
        lines.append(f"  A reads what B wrote: {_can(found.older_cannot_read)}")
    return "\n".join(lines)


def _can(problems: Sequence[str]) -> str:
    return f"no: {'; '.join(problems)}" if problems else "yes"


def _as_object(found: Comparison) -> dict[str, object]:
    return {
        "topic": found.topic,
        "a": found.older and found.older.path,
        "b": found.newer and found.newer.path,
        "changes": [
            {"path": each.path, "words": each.words, "breaks": each.breaks}
            for each in found.changes
        ],
        "b_reads_a": not found.newer_cannot_read,
        "a_reads_b": not found.older_cannot_read,
        "why_not": [*found.newer_cannot_read, *found.older_cannot_read],
        "breaks": found.breaks,
    }


def _named(name: str) -> Schema:
    for schema in newest(shipped()).values():
        if name in {schema.topic, schema.name, schema.name.removeprefix("signals.")}:
            return schema
    known = ", ".join(schema.name.removeprefix("signals.") for schema in newest(shipped()).values())
    raise ConfigurationError(f"there is no schema {name}; known: {known}")
