"""Where settings come from: the variables and the file, by the name of each setting they set.

The model of the settings is an argument everywhere, so that whoever defines it can ask.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

PREFIX = "EARMARK_"
NESTING = "__"
DEFAULT_FILE = "earmark.toml"
FILE_VARIABLE = "EARMARK_CONFIG"
# Kubernetes puts the address of every service of a namespace into the environment: that of a
# service called earmark-web begins as our variables do
_SERVICE_LINK = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)?$"
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
Model = type[BaseModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value that was set: by its path among the settings, and where: a variable or the file."""

    path: tuple[str, ...]
    value: Any
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with a setting, or with all of them, and what to do about it."""

    name: str | None
    where: str | None
    reason: str

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{f'setting {self.name}' if self.name else 'settings'}{place}: {self.reason}"


def config_file() -> Path:
    """The file that is read if it is there."""
    return Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def dotted(path: tuple[str, ...]) -> str:
    """The name of a setting as TOML writes it: `kafka.client."sasl.password"`."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in path)


def variable_of(path: tuple[str, ...]) -> str:
    """The variable that sets it."""
    return PREFIX + NESTING.join(part.upper() for part in path)


def file_faults() -> Iterator[Fault]:
    """What keeps the file from being read at all."""
    file = config_file()
    if os.environ.get(FILE_VARIABLE) and not file.is_file():
        yield Fault(name=None, where=FILE_VARIABLE, reason=f"there is no file {file}")
        return
    try:
        _read(file)
    except (OSError, ValueError) as error:
        yield Fault(name=None, where=str(file), reason=f"it cannot be read: {error}")


def given(model: Model) -> list[Given]:
    """All that is set, the file's before the variables', which win."""
    try:
        in_file = _read(config_file())
    except (OSError, ValueError):
        in_file = {}
    found = list(_leaves(model, in_file, (), str(config_file())))
    for name, text in sorted(os.environ.items()):
        if path := _path_of(name, text, model):
            found += _leaves_at(model, path, text, name)
    return found


def places(model: Model) -> dict[tuple[str, ...], str]:
    """Path of each setting that is set -> the variable or file whose value is in force."""
    return {it.path: it.where for it in given(model)}


def faults(model: Model) -> Iterator[Fault]:
    """Settings that are set and are none, and variables that should hold JSON and do not."""
    names = list(known(model))
    for it in given(model):
        field = annotation_at(model, it.path)
        if field is None:
            yield Fault(name=dotted(it.path), where=it.where, reason=_unknown(it, names))
        elif it.where != str(config_file()) and _is_many(field) and isinstance(it.value, str):
            example = '{"name": "value"}' if _is_mapping(field) else '["one", "two"]'
            reason = f"write it as JSON, such as {example}"
            yield Fault(name=dotted(it.path), where=it.where, reason=reason)


def known(model: Model, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every setting that there is; `*` stands for names that the user chooses."""
    for name, field in model.model_fields.items():
        path = (*before, name)
        section, by_name = section_of(field.annotation), _section_by_name(field.annotation)
        if section is not None:
            yield from known(section, path)
        elif by_name is not None:
            yield from known(by_name, (*path, "*"))
        else:
            yield path


def annotation_at(model: Model, path: tuple[str, ...]) -> Any:
    """The type of what is at the path; None where there is no such setting."""
    here: Any = model
    for part in path:
        section = section_of(here)
        if section is not None:
            field = section.model_fields.get(part)
            here = None if field is None else field.annotation
        elif _is_mapping(here):
            here = get_args(here)[1]
        else:
            return None
        if here is None:
            return None
    return here


def section_of(annotation: Any) -> Model | None:
    """The section that an annotation is, or is if it is not None; None where it is none."""
    if get_origin(annotation) in {dict, tuple}:
        return None  # of sections
    for kind in get_args(annotation) or (annotation,):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _section_by_name(annotation: Any) -> Model | None:
    return section_of(get_args(annotation)[1]) if _is_mapping(annotation) else None


def _is_mapping(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def _is_many(annotation: Any) -> bool:
    return get_origin(annotation) in {dict, tuple} or section_of(annotation) is not None


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _path_of(name: str, text: str, model: Model) -> tuple[str, ...]:
    """The path that a variable sets; empty where it is none of ours, or says nothing."""
    upper = name.upper()
    if not upper.startswith(PREFIX) or upper == FILE_VARIABLE or not text:
        return ()
    path = tuple(upper.removeprefix(PREFIX).lower().split(NESTING))
    if annotation_at(model, path) is None and _SERVICE_LINK.search(upper):
        return ()
    # what the user names may be of any case: taken as it is written
    own = tuple(name[len(PREFIX) :].split(NESTING))
    return tuple(
        written if _is_mapping(annotation_at(model, path[:place])) else part
        for place, (part, written) in enumerate(zip(path, own, strict=True))
    )


def _leaves_at(model: Model, path: tuple[str, ...], text: str, where: str) -> Iterator[Given]:
    """What one variable sets: several settings where it holds a section or a table as JSON."""
    annotation = annotation_at(model, path)
    if annotation is not None and _is_many(annotation):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        yield from _leaves_of(annotation, value, path, where)
    else:
        yield Given(path=path, value=text, where=where)


def _leaves(
    model: Model, data: Mapping[str, Any], before: tuple[str, ...], where: str
) -> Iterator[Given]:
    for name, value in data.items():
        field = model.model_fields.get(name)
        annotation = NoneType if field is None else field.annotation
        yield from _leaves_of(annotation, value, (*before, name), where)


def _leaves_of(annotation: Any, value: Any, path: tuple[str, ...], where: str) -> Iterator[Given]:
    section = section_of(annotation)
    if section is not None and isinstance(value, Mapping):
        yield from _leaves(section, value, path, where)
    elif _is_mapping(annotation) and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves_of(get_args(annotation)[1], inner, (*path, name), where)
    else:
        yield Given(path=path, value=value, where=where)


def _unknown(it: Given, names: list[tuple[str, ...]]) -> str:
    by_name = {dotted(path): path for path in names}
    near = get_close_matches(dotted(it.path), by_name, n=1, cutoff=0.7)
    if not near:
        return "there is no such setting; `earmark config show` lists all"
    meant = near[0] if it.where == str(config_file()) else variable_of(by_name[near[0]])
    return f"there is no such setting; did you mean {meant}?"
