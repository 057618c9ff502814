"""The ledger of released schemas, and the golden records that each of them must go on reading.

`avro/released.sha256` holds, in the form of `sha256sum`, the digest of every released schema and
of its golden record: as JSON (in Avro's JSON encoding) and as encoded when it was released.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources.abc import Traversable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import fastavro

from earmark.models.error import ConfigurationError
from earmark.processors.compatibility import compatibility_findings
from earmark.processors.schema import Schema, newest, plain, read_schemas

LEDGER = "released.sha256"

_UNREADABLE = (EOFError, IndexError, KeyError, TypeError, ValueError, AttributeError)


def findings(folder: Traversable) -> list[str]:
    """Everything that is wrong with the schemas in `folder`, one line each; none: all is well.

    Raises ConfigurationError where that cannot be said: no ledger, or no Avro at all.
    """
    schemas = read_schemas(folder)
    return [
        *_ledger_findings(folder, schemas),
        *compatibility_findings(schemas),
        *_golden_findings(folder, schemas),
    ]


def release(folder: Path) -> list[str]:
    """Encode the golden records of schemas that are not released yet; enter both in the ledger.

    Returns the paths entered. Raises ConfigurationError where a golden record is missing or does
    not fit; what stands in the ledger already is never touched.
    """
    entered = ledger(folder) if (folder / LEDGER).exists() else {}
    new = [schema for schema in read_schemas(folder) if schema.path not in entered]
    paths = [path for schema in new for path in _encoded(folder, schema)]
    lines = [f"{_digest(folder, path)}  {path}\n" for path in paths]
    with (folder / LEDGER).open("a", encoding="utf-8") as file:
        file.writelines(lines)
    return paths


def golden_record(folder: Traversable, schema: Schema) -> Mapping[str, Any]:
    """The golden record as its author wrote it; raises ConfigurationError if it does not fit."""
    path = f"{schema.golden}.json"
    try:
        # one object in as many lines as its author likes; Avro's reader wants it on one
        line = json.dumps(json.loads((folder / path).read_text(encoding="utf-8")))
        (record,) = fastavro.json_reader(StringIO(line), plain(schema.definition))
    except (OSError, *_UNREADABLE) as error:
        raise ConfigurationError(f"{path}: no golden record of {schema.path}: {error}") from error
    if not isinstance(record, dict):
        raise ConfigurationError(f"{path}: not a record")
    return record


def _ledger_findings(folder: Traversable, schemas: Sequence[Schema]) -> Iterator[str]:
    entered = ledger(folder)
    for path, digest in entered.items():
        if not (folder / path).is_file():
            yield f"{path}: released, and gone"
        elif _digest(folder, path) != digest:
            yield f"{path}: released, and edited since; make it a new version"
    for schema in schemas:
        for path in _paths(schema):
            if path not in entered:
                yield f"{path}: not released; `earmark schemas release` enters it in {LEDGER}"


def _golden_findings(folder: Traversable, schemas: Sequence[Schema]) -> Iterator[str]:
    """What each version has written, it and the newest version read as it was meant."""
    for schema in schemas:
        try:
            meant = golden_record(folder, schema)
        except ConfigurationError as error:
            yield str(error)
            continue
        for reader in {schema, newest(schemas)[schema.topic]}:
            problem = _misread(folder, schema, reader, meant)
            if problem:
                yield f"{schema.golden}.bin: {reader.path} {problem}"


def _misread(folder: Traversable, writer: Schema, reader: Schema, meant: Mapping[str, Any]) -> str:
    try:
        read = _decode((folder / f"{writer.golden}.bin").read_bytes(), writer, reader)
    except (OSError, fastavro.read.SchemaResolutionError, *_UNREADABLE) as error:
        return f"cannot read it: {error or type(error).__name__}"
    return "" if _agrees(meant, read) else "reads another record than its JSON says"


def _decode(payload: bytes, writer: Schema, reader: Schema) -> Any:
    body = BytesIO(payload)
    record = fastavro.schemaless_reader(body, plain(writer.definition), plain(reader.definition))
    if body.tell() != len(payload):
        raise ValueError("bytes are left over")
    return record


def _agrees(meant: Any, read: Any) -> bool:
    """Whether all that was meant was read; a newer reader may add fields."""
    if isinstance(meant, Mapping) and isinstance(read, Mapping):
        return all(key in read and _agrees(value, read[key]) for key, value in meant.items())
    if isinstance(meant, list) and isinstance(read, list):
        return len(meant) == len(read) and all(map(_agrees, meant, read))
    return bool(meant == read)


def _encoded(folder: Path, schema: Schema) -> tuple[str, ...]:
    body = BytesIO()
    fastavro.schemaless_writer(body, plain(schema.definition), golden_record(folder, schema))
    (folder / f"{schema.golden}.bin").write_bytes(body.getvalue())
    return _paths(schema)


def _paths(schema: Schema) -> tuple[str, ...]:
    return (schema.path, f"{schema.golden}.json", f"{schema.golden}.bin")


def ledger(folder: Traversable) -> dict[str, str]:
    """The digest of every released file by its path; raises ConfigurationError without a ledger."""
    try:
        lines = (folder / LEDGER).read_text(encoding="utf-8").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
        return {path: digest for digest, path in pairs}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{LEDGER}: {error}") from error


def _digest(folder: Traversable, path: str) -> str:
    return sha256((folder / path).read_bytes()).hexdigest()
