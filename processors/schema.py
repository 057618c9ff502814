"""The Avro schemas that Earmark speaks: found, read and named.

A file `avro/<name>.v<major>.avsc` is the first version of its topic's schema,
`<name>.v<major>.1.avsc` the next one in the same major version, and so on. What stands in
`avro/released.sha256` is never edited; `earmark.processors.compatibility` holds the rules.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.models.plugin import resources

CONTENT_EVENTS = "content.events.v1"
ITEMS = "content.items.v1"  # holds content events, under their schema
LONG_EVENTS = "content.events.long.v1"  # likewise
RECEIPTS = "content.receipts.v1"
REJECTIONS = "rejections.v1"
PROFILES = "content.profile.v1"
VERDICTS = "verdicts.v1"
STATS = "signal.stats.v1"
ALERTS = "signal.alerts.v1"
REVIEW_REQUESTS = "review.requests.v1"
REVIEW_DECISIONS = "review.decisions.v1"

# beside signals, what is written for others to build on
READ_BY_OTHERS = frozenset({PROFILES, VERDICTS, REVIEW_REQUESTS, REVIEW_DECISIONS, STATS, ALERTS})

_FILE = re.compile(r"(?P<stem>.+)\.v(?P<major>\d+)(?:\.(?P<minor>\d+))?\.avsc")
_TOPICS = {  # the others: as the file
    "content.event": "content.events",
    "content.receipt": "content.receipts",
    "rejection": "rejections",
    "review.decision": "review.decisions",
    "review.request": "review.requests",
    "signal.alert": "signal.alerts",
    "verdict": "verdicts",
}

Definition = Mapping[str, Any]  # an Avro schema of a record, as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One version of the schema of one topic.

    `path` is relative to `avro/`. `text` is the file as it stands, which is what registries get.
    """

    path: str
    topic: str
    major: int
    minor: int
    text: str = field(repr=False)

    @property
    def subject(self) -> str:
        """Its name in the registry."""
        return f"{self.topic}-value"

    @property
    def name(self) -> str:
        """What people call it: the topic without version, e.g. `signals.audio.loudness`."""
        return self.topic.removesuffix(f".v{self.major}")

    @property
    def is_signal(self) -> bool:
        """Whether its records begin with the shared envelope."""
        return self.topic.startswith("signals.")

    @property
    def golden(self) -> str:
        """Path of its golden record without suffix: `.json` as written, `.bin` as encoded."""
        return f"golden/{self.path.removesuffix('.avsc')}"

    @property
    def definition(self) -> Definition:
        """The schema as JSON; raises ConfigurationError where the file does not hold any."""
        return _definition(self.path, self.text)


def avro_folder() -> Traversable:
    """The folder `avro/` of the package."""
    return files("earmark") / "avro"


def read_schemas(folder: Traversable) -> tuple[Schema, ...]:
    """Every schema under `folder`, topic by topic, the oldest version first."""
    found = (_schema(path, file) for path, file in _walk(folder) if path.endswith(".avsc"))
    return tuple(sorted(found, key=lambda schema: (schema.topic, schema.minor)))


@cache
def schemas() -> tuple[Schema, ...]:
    """Every schema that is shipped, and those of the signals that other packages bring.

    Raises ConfigurationError where a package brings one of a topic that has a schema already, or
    that is no signal's.
    """
    shipped = read_schemas(avro_folder())
    taken = {schema.topic for schema in shipped}
    brought: list[Schema] = []
    for folder in resources("avro"):
        of_package = read_schemas(folder)
        for schema in of_package:
            if schema.topic in taken or not schema.is_signal:
                raise ConfigurationError(f"{folder}: {schema.path} is not this package's to define")
        taken |= {schema.topic for schema in of_package}
        brought += of_package
    return (*shipped, *brought)


def newest(all_schemas: Sequence[Schema]) -> dict[str, Schema]:
    """The last version of each topic's schema: the one that records are written with."""
    return {schema.topic: schema for schema in all_schemas}


def schema_of(topic: str) -> Schema:
    """What the topic's records are written with; raises ConfigurationError if there is none."""
    try:
        return newest(schemas())[topic]
    except KeyError:
        raise ConfigurationError(f"there is no schema for topic {topic}") from None


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def _schema(path: str, file: Traversable) -> Schema:
    match = _FILE.fullmatch(path)
    if match is None:
        raise ConfigurationError(f"{path}: the name should be <name>.v<major>[.<minor>].avsc")
    stem = match["stem"].replace("/", ".")
    return Schema(
        path=path,
        topic=f"{_TOPICS.get(stem, stem)}.v{match['major']}",
        major=int(match["major"]),
        minor=int(match["minor"] or 0),
        text=file.read_text(encoding="utf-8"),
    )


@cache
def _definition(path: str, text: str) -> Definition:
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON: {error}") from error
    if not isinstance(definition, dict) or definition.get("type") != "record":
        raise ConfigurationError(f"{path}: not a record")
    return definition


def plain(schema: Any) -> Any:
    """The schema without logical types: dates stay the numbers that are written."""
    if isinstance(schema, Mapping):
        return {key: plain(value) for key, value in schema.items() if key != "logicalType"}
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    return schema


def full_name(definition: Definition) -> str:
    """The record's name with its namespace, e.g. `earmark.signals.AudioLoudness`."""
    name = str(definition["name"])
    return name if "." in name else f"{definition.get('namespace', '')}.{name}".lstrip(".")


def fields_of(schema: Any, prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field of a record and of the records in it, by path: `provenance.model_name`."""
    match schema:
        case list():
            for branch in schema:
                yield from fields_of(branch, prefix)
        case {"type": "record", "fields": fields}:
            for each in fields:
                path = f"{prefix}{each['name']}"
                yield path, each
                yield from fields_of(each["type"], f"{path}.")
        case {"type": "array", "items": within} | {"type": "map", "values": within}:
            yield from fields_of(within, prefix)


def logical_types(field: Mapping[str, Any]) -> tuple[str, ...]:
    """The logical types in the type of a field, those of records inside it left out."""
    nodes = (node for node in type_nodes(field["type"]) if isinstance(node, Mapping))
    return tuple(str(node["logicalType"]) for node in nodes if "logicalType" in node)


def type_nodes(schema: Any) -> Iterator[Any]:
    """A type and the types in it, through unions, arrays and maps, down to the next records."""
    match schema:
        case list():
            for branch in schema:
                yield from type_nodes(branch)
        case {"type": "array", "items": within} | {"type": "map", "values": within}:
            yield schema
            yield from type_nodes(within)
        case _:
            yield schema
