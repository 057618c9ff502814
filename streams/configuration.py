"""Every setting as it is in force: its value, if that is not a secret, and where it came from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from earmark.streams.setting_source import config_file, dotted, places, variable_of
from earmark.streams.settings import Settings

HIDDEN = "(hidden)"
_USER_IN_URI = re.compile(r"(?<=://)[^/@\s]+@")
Place = tuple[str, ...]  # the names of a setting, from the outermost section in


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting; `origin` is default, file or environment, `where` the file or the variable.

    A setting that has its default has no `where`; `variable` is the one that would set it.
    """

    name: str
    value: Any
    origin: str
    where: str | None
    variable: str


def configuration(settings: Settings) -> list[Setting]:
    """All settings, in the order in which they are declared; of an unset section its name alone."""
    where = places(Settings)
    return [_setting(path, value, where) for path, value in _values(settings, ())]


def _setting(path: Place, value: Any, places_: Mapping[Place, str]) -> Setting:
    where = places_.get(path)
    origin = "environment" if where != str(config_file()) else "file"
    return Setting(
        name=dotted(path),
        value=_shown(value),
        origin=origin if where else "default",
        where=where,
        variable=variable_of(path),
    )


def _values(section: BaseModel, before: Place) -> Iterator[tuple[Place, Any]]:
    for name in type(section).model_fields:
        yield from _value(getattr(section, name), (*before, name))


def _value(value: Any, path: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, BaseModel):
        yield from _values(value, path)
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _value(inner, (*path, name))
    else:
        yield path, value


def _shown(value: Any) -> Any:
    """As JSON has it, with nothing secret in it."""
    match value:
        case SecretStr():
            return HIDDEN
        case Path():
            return str(value)
        case str():
            return _USER_IN_URI.sub(f"{HIDDEN}@", value)
        case BaseModel():  # one of a list
            return {name: _shown(getattr(value, name)) for name in type(value).model_fields}
        case tuple():
            return [_shown(inner) for inner in value]
    return value
