"""Conditions on records, as one writes them on a command line: `outcome=OK`, `scores.harm>0.5`."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from earmark.models.error import ConfigurationError

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(r"(?P<field>[^=!<>]+)(?P<sign>!=|>=|<=|=|<|>)(?P<value>.*)", re.DOTALL)
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A field of a record, dotted where it lies in another, compared with a value.

    `>`, `>=`, `<` and `<=` compare numbers; no number is above or below what is not one. A field
    that a record lacks differs from every value.
    """

    field: str
    sign: str
    value: str

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether it is true of the record."""
        found = _value(record, self.field)
        if self.sign in {"=", "!="}:
            return (_written(found) == self.value) is (self.sign == "=")
        return _is_number(found) and _OPERATORS[self.sign](found, float(self.value))


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


def all_hold(conditions: Iterable[Condition], record: Mapping[str, Any]) -> bool:
    """Whether every condition is true of the record."""
    return all(condition.holds(record) for condition in conditions)


def _value(record: Mapping[str, Any], field: str) -> object:
    """The value of a dotted field; names in a map may hold dots and slashes themselves."""
    if field in record:
        return record[field]
    for name, inner in record.items():
        if isinstance(inner, Mapping) and field.startswith(f"{name}."):
            return _value(inner, field.removeprefix(f"{name}."))
    return _MISSING


def _written(value: object) -> str | None:
    if value is _MISSING:
        return None
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
