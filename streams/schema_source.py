"""Where schemas are read from: a file, a folder, a version of a shipped one, or a git revision."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from earmark.models.error import ConfigurationError
from earmark.processors.schema import Schema, avro_folder, read_schemas
from earmark.processors.schema import schemas as shipped

GIT_S = 60.0  # for git to give a folder


def schemas_named(source: str) -> tuple[Schema, ...]:
    """The schemas at `source`; one, or those of a folder.

    A file; a folder; `text.safety`, `signals.text.safety.v1@0` (its first version); or a git
    revision, whose `avro/` is meant. Raises ConfigurationError where it is none of these.
    """
    path = Path(source)
    if path.is_dir():
        return read_schemas(path)
    if path.is_file():
        return (_of_file(path),)
    if found := _version(source):
        return (found,)
    with released_folder(source, own_folder()) as folder:
        return read_schemas(folder)


@contextmanager
def released_folder(source: str, folder: Path) -> Iterator[Path]:
    """The folder `source`, or `folder` as it is in the git revision `source`.

    Raises ConfigurationError where there is no such folder or revision.
    """
    if Path(source).is_dir():
        yield Path(source)
        return
    archive = _archive(source, folder)
    with TemporaryDirectory(prefix="earmark-schemas-") as scratch:
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(scratch, filter="data")
        yield Path(scratch)


def own_folder() -> Path:
    """The folder `avro/` of the package, as a path."""
    return Path(str(avro_folder())).resolve()


def _archive(revision: str, folder: Path) -> bytes:
    # begun in the folder, git gives that folder alone
    command = ["git", "-C", str(folder), "archive", "--format=tar", "--end-of-options", revision]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{revision}: git does not give it: {error}") from error
    if done.returncode:
        raise ConfigurationError(
            f"{revision} is no file, folder, schema (text.safety, text.safety@0) or git revision"
        )
    return done.stdout


def _of_file(path: Path) -> Schema:
    """The schema in a file of any name; one in a folder of schemas keeps its place there."""
    for root in path.resolve().parents[:2]:
        if (root / "released.sha256").is_file():
            place = path.resolve().relative_to(root).as_posix()
            for schema in read_schemas(root):
                if schema.path == place:
                    return schema
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no schema: {error}") from error
    return Schema(path=str(path), topic=path.stem, major=1, minor=0, text=text)


def _version(source: str) -> Schema | None:
    name, _, minor = source.partition("@")
    versions = [
        schema
        for schema in shipped()
        if name in {schema.topic, schema.name, schema.name.removeprefix("signals.")}
    ]
    if not versions:
        return None
    if not minor:
        return versions[-1]
    for schema in versions:
        if str(schema.minor) == minor:
            return schema
    known = ", ".join(f"@{schema.minor}" for schema in versions)
    raise ConfigurationError(f"{name} has no version @{minor}; known: {known}")
