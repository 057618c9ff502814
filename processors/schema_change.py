"""What differs between two versions of a schema, in words, and what of it readers do not survive.

The rules are those of `earmark.processors.compatibility`; here each difference is told, kept or
broken.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earmark.processors.compatibility import resolution_problems, said
from earmark.processors.schema import Schema, fields_of, full_name, newest

DOCS_ALONE = "changes docs alone: a registry keeps the old id, so the new words reach nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference; `path` is the field's, empty where it is the record's or the topic's."""

    path: str
    words: str
    breaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two versions of the schema of `topic`: all changes, and who cannot read whom, and why.

    `older` is None for a topic that only the second has, `newer` for one that only the first has.
    """

    topic: str
    older: Schema | None
    newer: Schema | None
    changes: tuple[Change, ...]
    newer_cannot_read: tuple[str, ...] = ()
    older_cannot_read: tuple[str, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether somebody who reads one of them does not survive the other."""
        unread = self.newer_cannot_read or self.older_cannot_read
        return bool(unread) or any(change.breaks for change in self.changes)


def comparison(older: Schema, newer: Schema) -> Comparison:
    """What `newer` changes of `older`.

    Raises ConfigurationError where the package avro is not installed, or one is no Avro schema.
    """
    return Comparison(
        topic=newer.topic,
        older=older,
        newer=newer,
        changes=tuple(_changes(older, newer)),
        newer_cannot_read=tuple(resolution_problems(newer, older)),
        older_cannot_read=tuple(resolution_problems(older, newer)),
    )


def comparisons(first: Sequence[Schema], second: Sequence[Schema]) -> list[Comparison]:
    """The newest versions of all topics compared; none of those that are the same in both."""
    before, after = newest(first), newest(second)
    return [
        _of_topic(topic, before.get(topic), after.get(topic))
        for topic in sorted(before.keys() | after.keys())
        if topic not in before or topic not in after or before[topic].text != after[topic].text
    ]


def type_words(schema: Any) -> str:
    """A type as people say it: `null or array of Segment`."""
    match schema:
        case list():
            return " or ".join(type_words(branch) for branch in schema)
        case {"type": "array", "items": within}:
            return f"array of {type_words(within)}"
        case {"type": "map", "values": within}:
            return f"map of {type_words(within)}"
        case {"logicalType": name} | {"name": name}:
            return str(name)
        case {"type": name}:
            return type_words(name)
    return str(schema)


def _of_topic(topic: str, older: Schema | None, newer: Schema | None) -> Comparison:
    if older is not None and newer is not None:
        return comparison(older, newer)
    change = (
        Change(path="", words="is new")
        if older is None
        else Change(path="", words="is gone", breaks=True)
    )
    return Comparison(topic=topic, older=older, newer=newer, changes=(change,))


def _changes(older: Schema, newer: Schema) -> Iterator[Change]:
    yield from _of_record(older.definition, newer.definition)
    before, after = dict(fields_of(older.definition)), dict(fields_of(newer.definition))
    for path in _outermost(after, before):
        yield _added(path, after[path])
    for path in _outermost(before, after):
        words = f"removes {path} ({type_words(before[path]['type'])})"
        yield Change(path=path, words=words, breaks=True)
    docs_alone = before.keys() == after.keys() and older.definition != newer.definition
    broken = False
    for path in (path for path in after if path in before):
        for change in _of_field(path, before[path], after[path]):
            broken |= change.breaks
            yield change
    if docs_alone and not broken:
        yield Change(path="", words=DOCS_ALONE, breaks=True)


def _of_record(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Change]:
    if full_name(older) != full_name(newer):
        words = f"is of the record {full_name(newer)}, not {full_name(older)}"
        yield Change(path="", words=words, breaks=True)
    if older.get("doc") != newer.get("doc"):
        yield Change(path="", words=f"says otherwise what it is: {newer.get('doc') or 'nothing'}")


def _outermost(there: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Fields that `other` lacks, without those inside of one that it lacks too."""
    for path in there:
        parent = path.rpartition(".")[0]
        if path not in other and (not parent or parent in other):
            yield path


def _added(path: str, field: Mapping[str, Any]) -> Change:
    kind = type_words(field["type"])
    if "default" not in field:
        words = f"adds {path} ({kind}) without a default"
        return Change(path=path, words=words, breaks=True)
    words = f"adds {path} ({kind}), {json.dumps(field['default'])} by default"
    return Change(path=path, words=f"{words}: {field.get('doc') or 'no doc'}")


def _of_field(path: str, older: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Change]:
    before, after = said(older), said(newer)
    for what, value in before.items():
        if value != after[what]:
            words = _different(path, what, older, newer)
            yield Change(path=path, words=words, breaks=True)
    if older.get("doc") != newer.get("doc"):
        words = f"says otherwise what {path} is: {newer.get('doc') or 'nothing'}"
        yield Change(path=path, words=words)


def _different(path: str, what: str, older: Mapping[str, Any], newer: Mapping[str, Any]) -> str:
    match what:
        case "type":
            one, other = type_words(older["type"]), type_words(newer["type"])
        case "list of values":
            return f"changes the documented values of {path}: {_of_values(older, newer)}"
        case "logical type":
            one, other = (", ".join(_logical(field)) or "none" for field in (older, newer))
        case _:
            one, other = (
                json.dumps(field["default"]) if "default" in field else "none"
                for field in (older, newer)
            )
    return f"changes the {what} of {path} from {one} to {other}"


def _logical(field: Mapping[str, Any]) -> tuple[str, ...]:
    found = said(field)["logical type"]
    return tuple(map(str, found)) if isinstance(found, tuple) else ()


def _of_values(older: Mapping[str, Any], newer: Mapping[str, Any]) -> str:
    before, after = older.get("values") or [], newer.get("values") or []
    parts = [f"adds {value}" for value in after if value not in before]
    parts += [f"removes {value}" for value in before if value not in after]
    return ", ".join(parts) or "another order"
