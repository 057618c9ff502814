"""Whether topics have the fields that conditions name: one without them waits for ever."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.schema import Schema, fields_of, newest, schemas
from earmark.streams.condition import ANY, Condition, Holds
from earmark.streams.subscription.name import live_topic, name_of

_LISTED = 3  # topics that are named; more are counted
_NULL = "null"  # how a condition writes that a field has no value
_PRIMITIVE = frozenset({_NULL, "boolean", "int", "long", "float", "double", "bytes", "string"})

Field = Mapping[str, Any]
_ANYTHING: Field = {}  # what no schema says more of: under a name of a map, say


def check_fields(conditions: Iterable[Holds], topics: Sequence[str]) -> None:
    """Raises ConfigurationError where a condition could be true of no record of these topics.

    That is where no topic has its field, or where the values that the field may have are listed
    and its value is none of them. Nothing is refused where a topic's schema is not known here.
    """
    by_topic = newest(schemas())
    known = {topic: by_topic.get(live_topic(topic)) for topic in topics}
    found = [schema for schema in known.values() if schema is not None]
    if len(found) < len(known):
        return
    for condition in conditions:
        if isinstance(condition, Condition):
            _check(condition, found, _told(topics))


def _check(condition: Condition, found: Sequence[Schema], topics: str) -> None:
    meant = [it for each in found for it in _fields_at(each.definition, condition.field)]
    if not meant:
        hint = _nearest(condition.field, found)
        raise ConfigurationError(
            f"condition {str(condition)!r}: no field {condition.field!r} in {topics}; {hint}"
        )
    words = [word for field in meant for word in field.get("values", ())]
    if condition.sign not in {"=", "!="} or not all("values" in field for field in meant):
        return
    if condition.value not in {*words, _NULL}:
        listed = ", ".join(dict.fromkeys(words))
        raise ConfigurationError(
            f"condition {str(condition)!r}: {condition.field} is never {condition.value!r}, "
            f"it is one of {listed}"
        )


def _fields_at(schema: Any, path: str) -> Iterator[Field]:
    """The fields that a path may mean, as `Condition` follows it."""
    match schema:
        case list():
            for branch in schema:
                yield from _fields_at(branch, path)
        case {"type": "record", "fields": fields}:
            for field in fields:
                yield from _fields_in(field, path)
        case {"type": "array", "items": within}:
            yield from _fields_at(within, path)
        case str(name) | {"type": str(name)} if name in _PRIMITIVE:
            pass  # nothing lies in it
        case _:
            yield _ANYTHING


def _fields_in(field: Field, path: str) -> Iterator[Field]:
    """The field itself, or what in it the rest of the path means."""
    for name in (field["name"], ANY):
        if path == name:
            yield field
        elif path.startswith(f"{name}."):
            yield from _fields_at(field["type"], path[len(name) + 1 :])


def _nearest(wanted: str, found: Sequence[Schema]) -> str:
    """The field that is most like the one wanted, and all that there are beside it."""
    paths = [path for schema in found for path, _ in fields_of(schema.definition)]
    around = wanted.rpartition(".")[0]
    beside = [path for path in paths if path.rpartition(".")[0] == around]
    listed = beside or [path for path in paths if "." not in path]
    close = get_close_matches(wanted, paths, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{meant}there are {', '.join(dict.fromkeys(listed))}"


def _told(topics: Sequence[str]) -> str:
    if len(topics) > _LISTED:
        return f"any of {len(topics)} topics"
    return ", ".join(map(name_of, topics))
