"""`earmark schemas`: check, release, register and show the Avro schemas."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from earmark.models.error import ConfigurationError, EarmarkError
from earmark.models.plugin import resources
from earmark.processors.release import findings, release
from earmark.processors.schema import Schema, avro_folder, fields_of, newest
from earmark.processors.schema import schemas as shipped
from earmark.streams.registry import compatibility_level, register_all
from earmark.streams.settings import load_settings

FOLDER = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder of schemas than the shipped one.",
)


class SchemaCheckError(EarmarkError):
    """Schemas that break a rule; the findings were printed."""


@click.group()
def schemas() -> None:
    """Check, register and show the Avro schemas."""


@schemas.command()
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all findings.")
def check(folder: Path | None, as_json: bool) -> None:
    """Prove offline that what is released is unchanged, compatible and still readable.

    Ends with 1 if it is not.
    """
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
    for topic, schema_id in register_all(load_settings()).items():
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
        table.add_row(path, _type_name(field["type"]), field.get("doc", ""))
    Console().print(table)


def _named(name: str) -> Schema:
    for schema in newest(shipped()).values():
        if name in {schema.topic, schema.name, schema.name.removeprefix("signals.")}:
            return schema
    known = ", ".join(schema.name.removeprefix("signals.") for schema in newest(shipped()).values())
    raise ConfigurationError(f"there is no schema {name}; known: {known}")


def _type_name(schema: Any) -> str:
    match schema:
        case list():
            return " or ".join(_type_name(branch) for branch in schema)
        case {"type": "array", "items": within}:
            return f"array of {_type_name(within)}"
        case {"type": "map", "values": within}:
            return f"map of {_type_name(within)}"
        case {"logicalType": name} | {"name": name}:
            return str(name)
        case {"type": name}:
            return _type_name(name)
    return str(schema)
