"""Conditions on records, as one writes them on a command line: `outcome=OK`, `scores.harm>0.5`."""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from earmark.models.error import ConfigurationError

ANY = "*"  # in place of a name: whatever stands there

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(r"(?P<field>[^=!<>]+)(?P<sign>!=|>=|<=|=|<|>)(?P<value>.*)", re.DOTALL)


class Holds(Protocol):
    """What is true of a record or not."""

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether it is true of the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A field of a record, dotted where it lies in another, compared with a value.

    `>`, `>=`, `<` and `<=` compare numbers; no number is above or below what is not one. A field
    that a record lacks differs from every value.

    A list is what any of its parts is: `labels=hate`, `spans.score>0.8`; and differs from a value
    (`labels!=hate`) where none of them is that. A map equals the names in it (`kinds=email`), and
    `*` is every name: `scores.*>=0.9`.
    """

    field: str
    sign: str
    value: str

    def __str__(self) -> str:
        """As one writes it."""
        return f"{self.field}{self.sign}{self.value}"

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether it is true of the record."""
        found = _values(record, self.field)
        if self.sign in {"=", "!="}:
            return any(_written(value) == self.value for value in found) is (self.sign == "=")
        compare, bound = _OPERATORS[self.sign], float(self.value)
        return any(_is_number(value) and compare(value, bound) for value in found)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where one of the conditions is."""

    conditions: tuple[Holds, ...]

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether it is true of the record."""
        return any(condition.holds(record) for condition in self.conditions)


def parsed(condition: str) -> Condition:
    """The condition written as `field=value`, `!=`, `>`, `>=`, `<` or `<=`.

    Raises ConfigurationError for other forms, and where a number is needed and not given.
    """
    form = _FORM.fullmatch(condition)
    if form is None:
        raise ConfigurationError(f"condition {condition!r}: write it as outcome=OK or scores.x>0.5")
    made = Condition(field=form["field"].strip(), sign=form["sign"], value=form["value"].strip())
    if made.sign not in {"=", "!="} and not _reads_as_number(made.value):
        raise ConfigurationError(f"condition {condition!r}: {made.value!r} is not a number")
    return made


def all_hold(conditions: Iterable[Holds], record: Mapping[str, Any]) -> bool:
    """Whether every condition is true of the record."""
    return all(condition.holds(record) for condition in conditions)


def _values(value: object, field: str) -> Iterator[object]:
    """What stands at a dotted field; names in a map may hold dots and slashes themselves."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from _values(part, field)
    elif isinstance(value, Mapping):
        if field in value:
            yield from _parts(value[field])
        elif field == ANY:
            for inner in value.values():
                yield from _parts(inner)
        else:
            yield from _inside(value, field)


def _inside(record: Mapping[str, Any], field: str) -> Iterator[object]:
    for name, inner in record.items():
        if field.startswith(f"{name}."):
            yield from _values(inner, field[len(name) + 1 :])
        elif field.startswith(f"{ANY}."):
            yield from _values(inner, field[len(ANY) + 1 :])


def _parts(value: object) -> Iterator[object]:
    """The value itself, or the parts of a list and the names of a map."""
    if isinstance(value, list | tuple | Mapping):
        yield from value
    else:
        yield value


def _written(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
